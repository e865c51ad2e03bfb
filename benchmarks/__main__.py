"""`python -m benchmarks COMMAND`."""

import sys

from measurement.commands import run_command

COMMANDS = {
    "compare": ("benchmarks.compare.command", "Winnow beside its peers, on the same questions"),
    "crosscheck": ("benchmarks.crosscheck.command", "latencies of our client beside guidellm's"),
}


def main() -> int:
    """The exit code."""
    return run_command("benchmarks", COMMANDS, extra="loadtest")


if __name__ == "__main__":
    sys.exit(main())
