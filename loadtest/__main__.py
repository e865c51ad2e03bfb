"""`python -m loadtest COMMAND`."""

import sys

from measurement.commands import run_command

COMMANDS = {
    "run": ("loadtest.scenario.command", "load a server as a scenario file says"),
    "scale": ("loadtest.scaling.command", "throughput against concurrency and branches"),
    "plan": ("loadtest.plan.command", "how many GPUs a rate of questions needs"),
}


def main() -> int:
    """The exit code."""
    return run_command("loadtest", COMMANDS, extra="loadtest")


if __name__ == "__main__":
    sys.exit(main())
