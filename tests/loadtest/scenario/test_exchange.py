"""Reading replies from the bytes that came, and their times."""

import json

import pytest

from loadtest.scenario.exchange import Exchange, UnreadableReply, read


def event(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(text: str | None, **fields: object) -> dict[str, object]:
    return {"choices": [{"delta": {"content": text}, "finish_reason": None}], **fields}


END = event(choices=[], usage={"completion_tokens": 9}) + b"data: [DONE]\n\n"


def test_first_text_is_stamped_and_not_what_comes_before_it() -> None:
    whole = event(**delta("The")) + event(**delta(" answer"))
    exchange = Exchange(
        200,
        [
            (0.1, b": decoding 1/10 paths\n\n"),
            (0.2, event(**delta(""))),
            (0.3, whole[:10]),  # an event that is cut in two has come when its rest has
            (0.4, whole[10:]),
            (0.5, END),
        ],
        0.5,
    )
    reply = read(exchange, is_streamed=True)
    assert reply.first_text_s == 0.4
    assert reply.text == "The answer"
    assert reply.usage == {"completion_tokens": 9}
    assert reply.report is None


def test_report_is_taken_from_the_chunk_that_has_it() -> None:
    parts = [(0.1, event(**delta("8")) + event(**delta(None, decoding={"answer": "8"})) + END)]
    assert read(Exchange(200, parts, 0.1), is_streamed=True).report == {"answer": "8"}


def test_whole_reply() -> None:
    choice = {"message": {"content": "8"}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice], "usage": {"completion_tokens": 3}, "decoding": {}})
    reply = read(Exchange(200, [(0.2, body.encode())], 0.2), is_streamed=False)
    assert (reply.text, reply.finish_reason, reply.first_text_s) == ("8", "stop", None)
    assert reply.report == {}


@pytest.mark.parametrize(
    ("exchange", "is_streamed", "complaint"),
    [
        (Exchange(None, [], 0.1, "no reply: refused"), True, "no reply: refused"),
        (
            Exchange(503, [(0, b'{"error": {"message": "so\\nbusy"}}')], 0.1),
            True,
            "status 503: so busy",
        ),
        (Exchange(500, [(0, b"Internal Server Error")], 0.1), False, "Internal Server Error"),
        (Exchange(200, [(0, event(**delta("8")))], 0.1), True, r"without \[DONE\]"),
        (Exchange(200, [(0, event(error={"message": "died"}))], 0.1), True, "stream: died"),
        (Exchange(200, [(0, b"data: {\n\n")], 0.1), True, "no chat completion"),
        (Exchange(200, [(0, b"[]")], 0.1), False, "no chat completion"),
        (Exchange(200, [(0, b"")], 0.1), False, "no chat completion"),
        (Exchange(200, [(0, b"data: 5\n\n")], 0.1), True, "no chat completion"),
    ],
)
def test_what_is_no_reply_says_why(exchange: Exchange, is_streamed: bool, complaint: str) -> None:
    with pytest.raises(UnreadableReply, match=complaint):
        read(exchange, is_streamed=is_streamed)
