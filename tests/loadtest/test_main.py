"""`python -m loadtest` and `python -m benchmarks`, which hand on to their commands."""

import subprocess
import sys

import pytest

import benchmarks.__main__
import loadtest.__main__

PACKAGES = {"loadtest": loadtest.__main__, "benchmarks": benchmarks.__main__}
COMMANDS = [(package, name) for package, its in PACKAGES.items() for name in its.COMMANDS]


@pytest.mark.parametrize("package", PACKAGES)
def test_help_lists_every_command(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [package, "--help"])
    assert PACKAGES[package].main() == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in PACKAGES[package].COMMANDS)


def test_unknown_command_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["loadtest", "walk"])
    assert loadtest.__main__.main() == 2
    assert capsys.readouterr().err.startswith("no command 'walk'\n")


@pytest.mark.parametrize(("package", "name"), COMMANDS)
def test_each_command_has_its_own_help(
    package: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [package, name, "--help"])
    with pytest.raises(SystemExit) as ended:
        PACKAGES[package].main()
    assert ended.value.code == 0
    assert f"python -m {package} {name}" in capsys.readouterr().out


def test_missing_library_is_told_with_the_extra_that_brings_it() -> None:
    code = (
        "import sys; sys.modules['ruamel'] = None; sys.modules['ruamel.yaml'] = None\n"
        "from loadtest.__main__ import main; sys.argv = ['loadtest', 'run', 'x.yaml']\n"
        "sys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("loadtest run needs ruamel.yaml: pip install")
