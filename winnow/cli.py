"""The command line: `winnow serve MODEL [any flag of vllm serve]` and what goes with it."""

import argparse
import errno
import os
import sys
from importlib import metadata

from measurement.machine import is_cpu_build
from server.checkpoint import POCKET
from server.compressed import compression_lines
from server.defaults import apply_environment, with_default_flags
from server.escaping import say
from server.readying import USER_ERRORS, ready

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
ADDRESS_ERRORS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"]:
        sys.exit(serve(arguments[1:]))
    if arguments[:1] == ["collection"]:
        from server.collections import command  # imported late, as `serve` needs none of it

        sys.exit(command.main(arguments[1:]))
    if arguments[:1] == ["keys"]:
        from server.gate import keys_command  # likewise

        sys.exit(keys_command.main(arguments[1:]))
    if arguments[:1] == ["report"]:
        from server.replies import report_command  # likewise

        sys.exit(report_command.main(arguments[1:]))
    if arguments[:1] == ["replay"]:
        from evaluation.replay import command as replay_command  # likewise

        sys.exit(replay_command.main(arguments[1:]))
    if arguments[:1] == ["eval"]:
        from evaluation import command as eval_command  # likewise

        sys.exit(eval_command.main(arguments[1:]))
    if arguments[:1] == ["compress"]:
        sys.exit(compress(arguments[1:]))
    _parser().parse_args(arguments)
    _parser().print_help()
    sys.exit(EXIT_USAGE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="winnow", description="A vLLM server in which the decoder is chosen per request."
    )
    parser.add_argument("--version", action="version", version=metadata.version("winnow"))
    subparsers = parser.add_subparsers(metavar="COMMAND")
    subparsers.add_parser(
        "serve",
        add_help=False,
        help=f"serve a checkpoint: a folder, a hub name or {POCKET!r} (bundled); "
        "takes every flag of vllm serve",
    )
    subparsers.add_parser(
        "collection", add_help=False, help="documents and solved problems that requests draw on"
    )
    subparsers.add_parser("keys", add_help=False, help="who may use the server, and how much")
    subparsers.add_parser(
        "report", add_help=False, help="how often each decoder was right, how fast, at what cost"
    )
    subparsers.add_parser(
        "replay", add_help=False, help="run a decoder over recorded samples, without a model"
    )
    subparsers.add_parser(
        "eval", add_help=False, help="how right decoders are on a data set, and what they cost"
    )
    subparsers.add_parser(
        "compress",
        add_help=False,
        help="make smaller checkpoints, and tell in numbers what they cost and gain",
    )
    return parser


def serve(arguments: list[str]) -> int:
    """Serve until told to stop; the exit code."""
    try:
        arguments = ready(arguments)
        if arguments and not arguments[0].startswith("-"):
            for line in compression_lines(arguments[0]):
                say(f"winnow: {line}", sys.stderr)
        # Imported late: vLLM takes seconds to import and reads the environment as it is then.
        from server.vllm_adapter.launch import serve as serve_vllm

        serve_vllm(arguments)
    except USER_ERRORS as failure:
        say(f"winnow: error: {failure}", sys.stderr)
        return EXIT_USAGE
    except OSError as failure:
        if failure.errno not in ADDRESS_ERRORS:
            raise
        print(f"winnow: error: cannot listen: {failure.strerror}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:  # also SIGTERM before the server was up
        return EXIT_INTERRUPTED
    return 0


def compress(arguments: list[str]) -> int:
    """Make checkpoints, and measure them as they would be served; the exit code.

    What stands after `--` are flags of `vllm serve`.
    """
    from compression import command  # imported late, as `serve` needs none of it
    from compression.proof.options import Serving

    place = arguments.index("--") if "--" in arguments else len(arguments)
    is_cpu = is_cpu_build()
    environment = dict(os.environ)
    apply_environment(environment, is_cpu=is_cpu)
    flags = with_default_flags(arguments[place + 1 :], is_cpu=is_cpu)
    return command.main(arguments[:place], Serving(tuple(flags), environment))
