"""`python -m loadtest`, which hands on to its commands."""

import subprocess
import sys

import pytest

from loadtest.__main__ import COMMANDS, main


def test_help_lists_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["loadtest", "--help"])
    assert main() == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


def test_unknown_command_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["loadtest", "walk"])
    assert main() == 2
    assert capsys.readouterr().err.startswith("no command 'walk'\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_own_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["loadtest", name, "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert f"python -m loadtest {name}" in capsys.readouterr().out


def test_missing_library_is_told_with_the_extra_that_brings_it() -> None:
    code = (
        "import sys; sys.modules['ruamel'] = None; sys.modules['ruamel.yaml'] = None\n"
        "from loadtest.__main__ import main; sys.argv = ['loadtest', 'run', 'x.yaml']\n"
        "sys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("loadtest run needs ruamel.yaml: pip install")
