"""What happens before vLLM is imported: defaults are set, and what the operator set is checked."""

import os
import sys

from measurement.machine import is_cpu_build
from server.canaries.opening import load_canaries
from server.canaries.problems import UnusableCanaries
from server.checkpoint import POCKET, UnreadableCheckpoint, check_folder, resolve
from server.decoders import UnusableDecoder, load_decoders
from server.defaults import UnusableFlag, apply_environment, with_default_flags
from server.gate.keys import UnusableKeys
from server.log_lines import with_log_format
from server.settings import WrongSetting, load_settings
from server.verifiers import UnusableVerifier, load_verifiers

USER_ERRORS = (
    WrongSetting,
    UnreadableCheckpoint,
    UnusableDecoder,
    UnusableVerifier,
    UnusableCanaries,
    UnusableFlag,
    UnusableKeys,
)
"""What an operator can mend; the message is written for one."""


def ready(arguments: list[str]) -> list[str]:
    """The flags that vLLM gets. Sets this process's environment as vLLM is to find it.

    Raises:
        WrongSetting, UnreadableCheckpoint, UnusableDecoder, UnusableVerifier, UnusableCanaries:
            what is wrong.
    """
    is_cpu = is_cpu_build()
    apply_environment(os.environ, is_cpu=is_cpu)
    settings = load_settings()
    arguments = with_default_flags(
        _with_checkpoint(arguments), is_cpu=is_cpu, host=settings.host, port=settings.port
    )
    arguments = with_log_format(arguments, settings.log_format, sys.stderr.isatty())
    load_decoders()
    load_canaries(settings, load_verifiers(settings))
    if arguments and not arguments[0].startswith("-"):
        check_folder(arguments[0])
    return arguments


def _with_checkpoint(arguments: list[str]) -> list[str]:
    """`serve pocket` as the bundled folder under the name `pocket`."""
    if not arguments or arguments[0] != POCKET or resolve(POCKET) == POCKET:
        return arguments
    is_named = any(a.partition("=")[0] == "--served-model-name" for a in arguments)
    name = [] if is_named else ["--served-model-name", POCKET]
    return [resolve(POCKET), *arguments[1:], *name]
