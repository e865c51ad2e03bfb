"""Several commands behind one `python -m PACKAGE`, each imported when it is asked for."""

import importlib
import sys
from collections.abc import Mapping

EXIT_USAGE = 2


def run_command(package: str, commands: Mapping[str, tuple[str, str]], extra: str) -> int:
    """The exit code of the command that the command line names.

    `commands` gives each name its module, whose `main` takes the arguments, and what it does;
    `extra` is the optional dependencies that they need.
    """
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in commands:
        return _call(package, name, commands[name][0], arguments, extra)
    lines = (f"  {name:<12}{what}" for name, (_, what) in commands.items())
    usage = "\n".join((f"usage: python -m {package} COMMAND [-h]", "", *lines))
    if name in ("-h", "--help"):
        print(usage)
        return 0
    print(f"no command {name!r}\n{usage}", file=sys.stderr)
    return EXIT_USAGE


def _call(package: str, name: str, module: str, arguments: list[str], extra: str) -> int:
    try:
        command = importlib.import_module(module)
    except ModuleNotFoundError as failure:
        if (failure.name or "").partition(".")[0] == package:
            raise  # a fault of ours
        print(
            f"{package} {name} needs {failure.name}: pip install 'winnow[{extra}]'",
            file=sys.stderr,
        )
        return EXIT_USAGE
    code: int = command.main(arguments)
    return code
