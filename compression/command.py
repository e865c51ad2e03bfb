"""`winnow compress`: smaller and faster checkpoints, and what they cost and gain."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from compression.errors import CompressionError
from compression.make_command import compress_command, list_command, show_command
from compression.proof.command import EXIT_USAGE, exit_code, prove_command, report_command
from compression.proof.options import Serving

EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str], serving: Serving) -> int:
    """The exit code. `serving` is how checkpoints are run to be measured."""
    commands: dict[str, Callable[[Sequence[str]], int]] = {
        "list": list_command,
        "show": show_command,
        "prove": lambda rest: prove_command(rest, serving),
        "report": report_command,
    }
    try:
        with _signals_interrupt():
            if arguments[:1] and arguments[0] in commands:
                return commands[arguments[0]](arguments[1:])
            return compress_command(arguments, serving)
    except (CompressionError, OSError) as failure:
        print(f"winnow compress: error: {failure}", file=sys.stderr)
        return exit_code(failure) if isinstance(failure, CompressionError) else EXIT_USAGE
    except KeyboardInterrupt:
        print("winnow compress: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and a closed terminal end the work as Ctrl-C does, so that what it started ends; also
    where Ctrl-C itself is ignored, as of a shell's background jobs."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
