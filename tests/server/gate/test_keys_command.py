from pathlib import Path

import pytest

from server.gate.keyring import Keyring
from server.gate.keys_command import EXIT_ERROR, EXIT_OK, main


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys.json"
    monkeypatch.setenv("WINNOW_KEYS", str(path))
    return path


def test_what_is_printed_opens_the_server(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = ["--requests-per-minute", "5", "--models", "pocket", "--decoders", "greedy"]
    assert main(["create", "app", "--tenant", "team", *limits, "--days", "1"]) == EXIT_OK
    caller = Keyring(file).find(capsys.readouterr().out.strip())
    assert caller is not None
    assert caller.key is not None
    assert caller.key.requests_per_minute == 5
    assert caller.key.models == ("pocket",)
    assert caller.key.decoders == ("greedy",)
    assert caller.key.expires_at == caller.key.created_at + 86400


def test_list_shows_limits_and_no_key(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["create", "app", "--tokens-per-day", "1000", "--role", "admin"])
    token = capsys.readouterr().out.strip()
    assert main(["list"]) == EXIT_OK
    shown = capsys.readouterr().out
    assert token not in shown
    assert "app" in shown
    assert "admin" in shown
    assert "tokens_per_day 1000" in shown


def test_revoked_key_is_gone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["create", "app"])
    token = capsys.readouterr().out.strip()
    assert main(["revoke", "app"]) == EXIT_OK
    assert Keyring(file).find(token) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "a b"], "name: "),
        (["create", "app", "--tokens-per-day", "0"], "tokens_per_day: "),
        (["create", "app", "--tenant", "../x"], "tenant: "),
        (["revoke", "nobody"], "no key 'nobody'"),
    ],
)
def test_wrong_use_is_one_line(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(arguments) == EXIT_ERROR
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_without_a_file_it_says_how_to_name_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WINNOW_KEYS", raising=False)
    assert main(["list"]) == EXIT_ERROR
    assert "WINNOW_KEYS" in capsys.readouterr().err
