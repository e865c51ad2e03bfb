"""The verifiers of this server: those that are installed, under the operator's deadline."""

from importlib import metadata

from decoding.verifiers import Verifier, Verifiers
from server.settings import Settings

GROUP = "winnow.verifiers"


class UnusableVerifier(Exception):
    """An installed verifier cannot be used; the message names it and says why."""


class NotConfigured(Exception):
    """Raised by a verifier's factory where the operator has not set it up: it is left out. The
    message, which requests that name it are shown, says what it lacks."""


def load_verifiers(settings: Settings) -> Verifiers:
    """Every entry point of the group, made once; a name that two packages give is refused.

    Raises:
        UnusableVerifier: one fails to load, is no verifier, or is wanted and not there.
    """
    by_name: dict[str, Verifier] = {}
    not_set_up: dict[str, str] = {}
    for entry_point in metadata.entry_points(group=GROUP):
        name = entry_point.name
        if name in by_name:
            raise UnusableVerifier(f"two installed packages give a verifier named {name!r}")
        try:
            verifier = entry_point.load()()
        except NotConfigured as reason:
            not_set_up[name] = str(reason)
            continue
        except Exception as failure:
            raise UnusableVerifier(f"verifier {name!r} ({entry_point.value}): {failure}") from None
        if not callable(getattr(verifier, "score", None)) or not isinstance(
            getattr(verifier, "needs_question", None), bool
        ):
            raise UnusableVerifier(
                f"verifier {name!r} ({entry_point.value}): it has no score() or no needs_question"
            )
        by_name[name] = verifier
    for name in settings.memory_verifiers:
        if name not in by_name:
            raise UnusableVerifier(
                f"WINNOW_MEMORY_VERIFIERS names {name!r}, which is not to be had; there are "
                f"{', '.join(sorted(by_name))}"
            )
    return Verifiers(by_name, settings.verifier_timeout_s, not_set_up)
