"""Which requests are one conversation."""

import json
from typing import Any

from server.ray_serve.affinity import PREFIX_KEY, READ_BYTES, prefix_key

SYSTEM = {"role": "system", "content": "Answer briefly."}
FIRST = {"role": "user", "content": "Who was Euler?"}
REPLY = {"role": "assistant", "content": "A mathematician."}
SECOND = {"role": "user", "content": "Where did he live?"}


def key(authorization: bytes = b"", **body: Any) -> str | None:  # any JSON
    return prefix_key(json.dumps(body).encode(), authorization)


def test_turns_of_a_conversation_belong_together() -> None:
    first = key(model="m", messages=[SYSTEM, FIRST])
    assert first is not None
    assert first.startswith(PREFIX_KEY)
    assert key(model="m", messages=[SYSTEM, FIRST, REPLY, SECOND], temperature=0) == first


def test_a_common_system_message_does_not_tie_conversations() -> None:
    assert key(model="m", messages=[SYSTEM, FIRST]) != key(model="m", messages=[SYSTEM, SECOND])


def test_models_and_callers_share_no_cache() -> None:
    one = key(b"Bearer a", model="m", messages=[FIRST])
    assert key(b"Bearer a", model="n", messages=[FIRST]) != one
    assert key(b"Bearer b", model="m", messages=[FIRST]) != one


def test_prompts_belong_together_by_their_first_512_characters() -> None:
    beginning = "x" * 512
    one = key(model="m", prompt=beginning + "a")
    assert key(model="m", prompt=beginning + "b") == one
    assert key(model="m", prompt="y" + beginning) != one
    assert key(model="m", input=beginning) is not None


def test_only_the_bodys_beginning_is_read() -> None:
    body = json.dumps({"model": "m", "messages": [FIRST, REPLY]}).encode()
    long = json.dumps(
        {"model": "m", "messages": [FIRST, {"role": "user", "content": "x" * READ_BYTES}]}
    ).encode()
    assert prefix_key(long + b"}}} no JSON any more") == prefix_key(body)


def test_what_has_no_beginning_has_no_key() -> None:
    for body in (b"", b"[1]", b"{", b'{"model": "m"}', b'{"messages": []}', b'{"prompt": 3}'):
        assert prefix_key(body) is None
