"""`winnow compress`: smaller and faster checkpoints, and what they cost and gain."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from compression.proof.command import exit_code, prove_command, report_command
from compression.proof.errors import ProofError
from compression.proof.options import Serving

EXIT_INTERRUPTED = 130
EXIT_USAGE = 2


def main(arguments: Sequence[str], serving: Serving) -> int:
    """The exit code. `serving` is how checkpoints are run to be measured."""
    try:
        with _signals_interrupt():
            if arguments[:1] == ["prove"]:
                return prove_command(arguments[1:], serving)
            if arguments[:1] == ["report"]:
                return report_command(arguments[1:])
    except (ProofError, OSError) as failure:
        print(f"winnow compress: error: {failure}", file=sys.stderr)
        return exit_code(failure) if isinstance(failure, ProofError) else EXIT_USAGE
    except KeyboardInterrupt:
        print("winnow compress: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    _parser().parse_args(arguments)
    _parser().print_help()
    return EXIT_USAGE


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and a closed terminal end the work as Ctrl-C does, so that what it started ends."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="winnow compress", description=__doc__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    subparsers.add_parser(
        "prove", add_help=False, help="measure a compressed checkpoint beside its original"
    )
    subparsers.add_parser(
        "report", add_help=False, help="show or draw the reports of compressed checkpoints"
    )
    return parser
