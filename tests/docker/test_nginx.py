"""docker/nginx.conf: nginx would read it, and it lets through what Winnow takes."""

import re
from pathlib import Path
from typing import Any

import crossplane
import pytest

from server.collections.upload import FORM_BYTES
from server.gate.headers import MAX_HEAD_BYTES
from server.gate.routes import MONITOR, USER
from server.settings import Settings

CONFIG = Path(__file__).parents[2] / "docker" / "nginx.conf"
BYTES = {"k": 1024, "m": 1024**2}
SIZE = "client_max_body_size"

Directive = dict[str, Any]  # crossplane's: directive, args, block


@pytest.fixture(scope="module")
def directives() -> list[Directive]:
    parsed = crossplane.parse(str(CONFIG), strict=True, comments=False)
    assert parsed["status"] == "ok", parsed["errors"]
    flat: list[Directive] = []
    waiting: list[Directive] = list(parsed["config"][0]["parsed"])
    while waiting:
        one = waiting.pop(0)
        flat.append(one)
        waiting = [*one.get("block", ()), *waiting]
    return flat


def values(directives: list[Directive], name: str) -> list[list[str]]:
    return [one["args"] for one in directives if one["directive"] == name]


def num_bytes(text: str) -> int:
    return int(text) if text.isdigit() else int(text[:-1]) * BYTES[text[-1]]


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def locations(directives: list[Directive]) -> list[Directive]:
    return [one for one in directives if one["directive"] == "location"]


def test_bodies_have_the_size_that_winnow_takes(directives: list[Directive]) -> None:
    # Not less, and not more: Winnow ends the connection of a longer one, which nginx calls a 502.
    server = next(one for one in directives if values(one.get("block", []), SIZE))
    document = Settings().max_document_mb * 1e6
    assert num_bytes(values(server["block"], SIZE)[0][0]) == Settings().max_body_mb * 1e6
    uploads = {
        one["args"][0]: num_bytes(size)
        for one in locations(directives)
        for (size,) in values(one["block"], SIZE)
    }
    assert uploads == {"/v1/collections/": document + FORM_BYTES, "/v1/audio/": 2 * document}


def test_no_route_is_redirected_to_the_location_of_those_below_it(
    directives: list[Directive],
) -> None:
    below = {one["args"][0] for one in locations(directives) if one["args"][0].endswith("/")}
    exact = {one["args"][1] for one in locations(directives) if one["args"][0] == "="}
    assert exact == {route for route in USER if f"{route}/" in below}
    assert exact, "collections are made at /v1/collections"


def test_heads_that_winnow_takes_come_through(directives: list[Directive]) -> None:
    ((number, size),) = values(directives, "large_client_header_buffers")
    assert int(number) * num_bytes(size) >= MAX_HEAD_BYTES


def test_longest_request_is_waited_for_and_streams_are_not_held(
    directives: list[Directive],
) -> None:
    ((longest,),) = values(directives, "proxy_read_timeout")
    assert seconds(longest) > Settings().max_timeout_s
    assert values(directives, "proxy_buffering") == [["off"]]


def test_silent_clients_have_no_longer_than_winnow_gives_them(directives: list[Directive]) -> None:
    ((head,),) = values(directives, "client_header_timeout")
    ((body,),) = values(directives, "client_body_timeout")
    assert seconds(head) <= Settings().head_timeout_s
    assert seconds(body) <= Settings().body_timeout_s


def test_what_is_for_monitors_is_not_for_the_outside(directives: list[Directive]) -> None:
    patterns = [args[-1] for args in values(directives, "location") if args[0] == "~"]
    for route in MONITOR:
        for path in (route, f"{route}/", f"{route}//"):  # Winnow answers all of them
            assert any(re.search(pattern, path) for pattern in patterns)


def test_request_that_was_sent_is_not_sent_again(directives: list[Directive]) -> None:
    assert values(directives, "proxy_next_upstream") == [["error"]]
