"""The decoders of this server: Winnow's own, and those that other packages install."""

from importlib import metadata

from decoding import catalog
from server.wire import RETRIEVAL

GROUP = "winnow.decoders"


class UnusableDecoder(Exception):
    """An installed decoder cannot be used; the message names it and says why."""


def load_decoders() -> None:
    """Put every entry point of the group into the catalogue, under the name of its strategy.

    Raises:
        UnusableDecoder: one fails to load, is no decoder, or has another's strategy.
    """
    for entry_point in metadata.entry_points(group=GROUP):
        try:
            decoder = entry_point.load()
            catalog.register(decoder)
        except Exception as failure:
            said = f"decoder {entry_point.name!r} ({entry_point.value}): {failure}"
            raise UnusableDecoder(said) from None
        strategy = decoder.model_fields["strategy"].default
        if strategy == RETRIEVAL:
            raise UnusableDecoder(
                f"decoder {entry_point.name!r} ({entry_point.value}): {RETRIEVAL!r} is the name of "
                "what puts passages in front of any decoder"
            )
        if strategy != entry_point.name:
            raise UnusableDecoder(
                f"decoder {entry_point.name!r} ({entry_point.value}): its strategy is "
                f"{strategy!r}; name the entry point so, too"
            )
