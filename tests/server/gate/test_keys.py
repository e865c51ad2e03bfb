import stat
from pathlib import Path

import pytest

from server.gate.keyring import Keyring, token_of
from server.gate.keys import (
    Key,
    UnusableKeys,
    add_key,
    digest,
    new_token,
    read_keys,
    revoke_key,
)
from server.gate.tenancy import PUBLIC, tenant_named, tenant_of_key


def key(name: str, token: str = "wk_x", **limits: object) -> Key:
    fields = {"tenant": name, "created_at": 0.0, **limits}
    return Key.model_validate({"name": name, "sha256": digest(token), **fields})


def test_file_has_the_hash_and_not_the_key(tmp_path: Path) -> None:
    file, token = tmp_path / "keys.json", new_token()
    add_key(file, key("app", token))
    assert token not in file.read_text()
    assert read_keys(file)[0].sha256 == digest(token)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_link_to_the_file_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "secrets" / "keys.json", tmp_path / "keys.json"
    link.symlink_to(target)  # which is not there yet
    add_key(link, key("app"))
    add_key(link, key("other"))
    revoke_key(link, "other")
    assert link.is_symlink()
    assert [one.name for one in read_keys(target)] == ["app"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"secrets", "keys.json"}


def test_link_to_itself_is_told_of(tmp_path: Path) -> None:
    link = tmp_path / "keys.json"
    link.symlink_to(link)
    with pytest.raises(UnusableKeys, match=r"keys\.json"):
        add_key(link, key("app"))


def test_name_is_used_once(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    add_key(file, key("app"))
    with pytest.raises(UnusableKeys, match="there is a key 'app'"):
        add_key(file, key("app"))


def test_revoking_names_what_there_is(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    add_key(file, key("app"))
    add_key(file, key("web"))
    with pytest.raises(UnusableKeys, match="no key 'abb'; there are app, web"):
        revoke_key(file, "abb")
    revoke_key(file, "app")
    assert [one.name for one in read_keys(file)] == ["web"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "the file: "),
        ("{}x", "the file: "),
        ('{"version": 2}', "version: "),
        ('{"keys": [{"name": "a b"}]}', "keys.0."),
        ('{"kees": []}', "kees: "),
    ],
)
def test_broken_file_is_one_line(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)
    with pytest.raises(UnusableKeys) as failure:
        read_keys(file)
    assert told in str(failure.value)
    assert "\n" not in str(failure.value)


def test_missing_file_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UnusableKeys, match="winnow keys create"):
        Keyring(tmp_path / "keys.json")


class TestKeyring:
    def test_without_keys_everybody_comes_in(self) -> None:
        caller = Keyring(None).find(None)
        assert caller is not None
        assert caller.tenant == PUBLIC
        assert Keyring(None).is_open

    def test_without_keys_a_token_is_still_a_tenant(self) -> None:
        caller = Keyring(None).find("alice")
        assert caller is not None
        assert caller.tenant == tenant_of_key("alice")

    def test_empty_file_lets_nobody_in(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        file.write_text('{"keys": []}')
        assert Keyring(file).find("anything") is None
        assert not Keyring(file).is_open

    @pytest.mark.parametrize("token", [None, "", "wk_b", "wk_a ", "WK_A"])
    def test_other_tokens_open_nothing(self, tmp_path: Path, token: str | None) -> None:
        file = tmp_path / "keys.json"
        add_key(file, key("app", "wk_a"))
        assert Keyring(file, ["sk"]).find(token) is None

    def test_key_of_the_file_has_its_tenant(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        add_key(file, key("app", "wk_a", tenant="team"))
        caller = Keyring(file).find("wk_a")
        assert caller is not None
        assert (caller.name, caller.tenant) == ("app", tenant_named("team"))

    def test_key_of_the_flag_keeps_the_tenant_that_it_had(self) -> None:
        caller = Keyring(None, ["sk-1", "sk-2"]).find("sk-2")
        assert caller is not None
        assert caller.tenant == tenant_of_key("sk-2")
        assert caller.key is None

    def test_what_changes_counts_from_the_next_request_on(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        add_key(file, key("app", "wk_a"))
        keyring = Keyring(file)
        add_key(file, key("web", "wk_b"))
        assert keyring.find("wk_b") is not None
        revoke_key(file, "app")
        assert keyring.find("wk_a") is None

    def test_file_that_breaks_later_changes_nothing(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = tmp_path / "keys.json"
        add_key(file, key("app", "wk_a"))
        keyring = Keyring(file)
        file.write_text("{")
        assert keyring.find("wk_a") is not None
        assert "stay in force" in caplog.text

    def test_expired_key_opens_nothing(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        add_key(file, key("app", "wk_a", expires_at=1.0))
        assert Keyring(file).find("wk_a") is None


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        (b"Bearer abc", "abc"),
        (b"bearer  abc ", "abc"),
        (b"Basic abc", None),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"abc", None),
    ],
)
def test_token_of_a_header(header: bytes | None, token: str | None) -> None:
    assert token_of(header) == token
