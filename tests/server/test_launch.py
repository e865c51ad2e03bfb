"""vLLM's arguments as the gate wants them, without an engine."""

import logging
from pathlib import Path
from typing import Any

import pytest

from server.gate.keyring import Keyring
from server.gate.keys import add_key
from server.gate.refusals import Refused
from server.settings import Settings
from tests.server.gate.test_keys import key

pytestmark = pytest.mark.vllm
PAGE = "http://localhost:3000"


@pytest.fixture(autouse=True)
def _environment(vllm_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM reads the environment when it is imported."""
    monkeypatch.delenv("VLLM_API_KEY", raising=False)


def serves(origin: str, *flags: str, host: str = "localhost", **settings: Any) -> bool:
    from server.vllm_adapter import gate
    from server.vllm_adapter.launch import _parse

    args, read = _parse(["pocket", *flags]), Settings(**settings)
    gate.take_keys(args, read)
    keyring = Keyring(read.keys, getattr(args, gate.API_KEYS))
    head = {b"host": host.encode()} | ({b"origin": origin.encode()} if origin else {})
    try:
        gate._origins(keyring, read, args).check(head)
    except Refused:
        return False
    return True


def test_without_keys_pages_of_other_sites_are_let_in_by_name_alone() -> None:
    assert not serves(PAGE)
    assert serves(PAGE, "--allowed-origins", f'["{PAGE}"]')
    assert not serves("http://evil", "--allowed-origins", f'["{PAGE}"]')
    assert serves(PAGE, "--allowed-origins", '["*"]')


def test_with_keys_they_are_refused_where_the_operator_says_so(tmp_path: Path) -> None:
    add_key(tmp_path / "keys.json", key("app"))
    assert serves(PAGE, keys=tmp_path / "keys.json")
    assert serves(PAGE, "--api-key", "sk")
    assert not serves(PAGE, "--api-key", "sk", "--allowed-origins", "[]")
    assert not serves(PAGE, "--api-key", "sk", "--allowed-origins", '["http://other"]')


def test_names_are_checked_without_keys_or_where_the_operator_says_so() -> None:
    assert not serves("", host="winnow")
    assert serves("", "--host", "winnow", host="winnow:8000")
    assert serves("", host="winnow", allowed_hosts=("winnow",))
    assert serves("", "--api-key", "sk", host="winnow")
    assert not serves("", "--api-key", "sk", host="winnow", allowed_hosts=("other",))


@pytest.mark.parametrize(
    ("flags", "is_warned"),
    [
        (["--host", "127.0.0.1"], False),
        (["--host", "localhost"], False),
        (["--host", "0.0.0.0"], True),
        ([], True),
        (["--api-key", "sk"], False),
        (["--uds", "/tmp/winnow.sock"], False),
    ],
)
def test_listening_for_others_without_keys_is_warned_of(
    flags: list[str], is_warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    from server.vllm_adapter import gate

    caplog.set_level(logging.WARNING)
    with caplog.at_level(logging.WARNING, gate.__name__):
        gate.logger.addHandler(caplog.handler)
        serves("", *flags)
        gate.logger.removeHandler(caplog.handler)
    assert ("no keys are set" in caplog.text) is is_warned
