"""`python -m loadtest COMMAND`."""

import importlib
import sys
from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("loadtest.scenario.command", "load a server as a scenario file says"),
    "compare": ("loadtest.compare.command", "Winnow beside its peers, on the same questions"),
    "crosscheck": ("loadtest.crosscheck.command", "latencies of our client beside guidellm's"),
    "scale": ("loadtest.scaling.command", "throughput against concurrency and branches"),
    "plan": ("loadtest.plan.command", "how many GPUs a rate of questions needs"),
}
EXIT_USAGE = 2


def main() -> int:
    """The exit code. What only one command needs is imported for that one."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        return _call(name, arguments)
    lines = (f"  {name:<12}{what}" for name, (_, what) in COMMANDS.items())
    usage = "\n".join(("usage: python -m loadtest COMMAND [-h]", "", *lines))
    if name in ("-h", "--help"):
        print(usage)
        return 0
    print(f"no command {name!r}\n{usage}", file=sys.stderr)
    return EXIT_USAGE


def _call(name: str, arguments: list[str]) -> int:
    module, _ = COMMANDS[name]
    try:
        command = importlib.import_module(module)
    except ModuleNotFoundError as failure:
        if (failure.name or "").partition(".")[0] == __package__:
            raise  # a fault of ours
        print(
            f"loadtest {name} needs {failure.name}: pip install 'winnow[loadtest]'", file=sys.stderr
        )
        return EXIT_USAGE
    code: int = command.main(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
