import json

import pytest

from server.errors import InvalidRequest
from server.gate.priority import MAX_PRIORITY, check_body, check_header

SENT = b'{"priority": %s}'


@pytest.mark.parametrize("value", ["0", "1", "2147483646", "null"])
def test_client_may_stand_back(value: str) -> None:
    check_body(SENT % value.encode(), MAX_PRIORITY)


@pytest.mark.parametrize(
    "value",
    ["-1", "2147483647", "9223372036854775807", '"-1"', '"1"', "-1.0", "1.5", "true", "[]", "{}"],
)
def test_client_may_not_push_in_nor_come_behind_the_canaries(value: str) -> None:
    with pytest.raises(InvalidRequest, match=r"must be an integer in 0\.\.2147483646") as refusal:
        check_body(SENT % value.encode(), MAX_PRIORITY)
    assert refusal.value.param == "priority"


def test_escapes_do_not_hide_the_field() -> None:
    with pytest.raises(InvalidRequest):
        check_body(b'{"prior\\u0069ty": -1}', MAX_PRIORITY)


def test_last_of_two_counts_as_it_does_for_vllm() -> None:
    check_body(b'{"priority": -1, "priority": 1}', MAX_PRIORITY)
    with pytest.raises(InvalidRequest):
        check_body(b'{"priority": 1, "priority": -1}', MAX_PRIORITY)


@pytest.mark.parametrize("body", [b"", b"priority", b'["priority"]', b'{"a": {"priority": -1}}'])
def test_what_has_no_such_field_passes(body: bytes) -> None:
    check_body(body, MAX_PRIORITY)


def test_server_without_priorities_says_so() -> None:
    check_body(json.dumps({"priority": 0}).encode(), 0)
    with pytest.raises(InvalidRequest, match="others need a server with --sched"):
        check_body(json.dumps({"priority": 1}).encode(), 0)


@pytest.mark.parametrize("value", ["-1", "x", "", "1.5", "2147483647", "9" * 5000, "\xb2"])
def test_header_is_held_to_the_same(value: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        check_header({b"x-vllm-priority": value.encode("latin-1")}, MAX_PRIORITY)
    assert refusal.value.param == "X-Vllm-Priority"


def test_header_may_stand_back() -> None:
    check_header({}, MAX_PRIORITY)
    check_header({b"x-vllm-priority": b"12"}, MAX_PRIORITY)
