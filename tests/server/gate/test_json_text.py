import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.errors import InvalidRequest
from server.gate.json_text import MAX_DEPTH, MAX_INTEGER, check_json, without_mark

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * depth + closing * depth).encode()


@given(DOCUMENTS, st.booleans())
@example(["Infinity", "NaN", "\\ud800", "\\u0000"], False)
@example([MAX_INTEGER, -MAX_INTEGER, 1e308, "12345678901234567890"], True)
def test_sound_documents_pass(document: Any, is_ascii: bool) -> None:
    check_json(json.dumps(document, ensure_ascii=is_ascii).encode())


@given(DOCUMENTS, st.sampled_from(["\0", "\ud800", "\udfff", math.inf, math.nan, 2**63, -(2**70)]))
def test_an_unsound_leaf_is_found_wherever_it_stands(document: Any, leaf: object) -> None:
    for whole in ([document, leaf], {"a": document, "b": {"c": [leaf]}}):
        with pytest.raises(InvalidRequest):
            check_json(json.dumps(whole).encode())


@given(st.binary(max_size=200))
def test_whatever_is_sent_is_judged_or_left_to_its_route(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):  # and nothing else is raised
        check_json(body)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"stop": "a\\ud800"}', "stop"),
        (b'{"messages": [{"content": "a\\u0000b"}]}', "messages.0.content"),
        (b'{"top_k": 1180591620717411303424}', "top_k"),
        (b'{"temperature": 1e999}', "temperature"),
        (b'{"logit_bias": {"5": NaN}}', "logit_bias.5"),
        (b'{"logit_bias": {"5": -Infinity}}', "logit_bias.5"),
        (b'{"a": ' + b"1" * 5000 + b"}", "body"),
        (b'{"\\ud800": 1}', "body"),
        (b'{"a": {"\\ud800": 1}}', "a"),
    ],
)
def test_refusal_names_the_place(body: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        check_json(body)
    assert refusal.value.param == param


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_has_an_end(opening: str, closing: str) -> None:
    def body(depth: int) -> bytes:
        return (opening * depth + "1" + closing * depth).encode()

    check_json(body(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 10_000):
        with pytest.raises(InvalidRequest, match="nested deeper than 128"):
            check_json(body(depth))


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":"' + b'[\\"{' * 100_000])
def test_brackets_are_counted_in_one_pass(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        check_json(body)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    check_json(b"[" + b",".join([b"[]"] * 10_000) + b"]")


@pytest.mark.parametrize(
    "body",
    [
        b'{"stop": "\xed\xa0\x80"}',  # an encoded surrogate
        b'{"\xed\xb0\x80": 1}',
        b'{"stop": "\xc0\x80"}',  # NUL, longer than need be
        b'{"stop": "\xe2\x82"}',  # cut off
        b'{"stop": "\xf4\x90\x80\x80"}',  # beyond the last character
        b'{"stop": "\x80"}',
        b"\xff\xfe",
        *(
            '{"stop": "é"}'.encode(encoding)
            for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
        ),
        '{"stop": "é"}'.encode("latin-1"),
    ],
)
def test_other_bytes_than_utf_8_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="must be JSON in UTF-8") as refusal:
        check_json(body)
    assert refusal.value.param == "body"


def test_byte_order_mark_is_taken_off() -> None:
    assert without_mark('\ufeff{"a": "\ufeff"}'.encode()) == '{"a": "\ufeff"}'.encode()


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN'])
def test_what_is_no_json_is_left_to_its_route(body: bytes) -> None:
    check_json(body)


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({"messages": [{}] * 4097}, "messages"),
        ({"input": ["a"] * 2049}, "input"),
        ({"documents": ["a"] * 2049}, "documents"),
        ({"stop": ["a"] * 129}, "stop"),
        ({"messages": [{"content": [{}] * 16_384}]}, "body"),
        ([[]] * 16_384, "body"),
    ],
)
def test_items_have_an_end(content: Any, param: str) -> None:
    with pytest.raises(InvalidRequest, match="may have") as refusal:
        check_json(json.dumps(content).encode())
    assert refusal.value.param == param


@pytest.mark.parametrize(
    "content",
    [
        {"prompt": [5] * 100_000, "input": [5] * 100_000},
        {"messages": [{"content": "{" * 10_000 + "," * 10_000}]},
        {"messages": [{}] * 4096, "input": [[5]] * 2048, "stop": ["a"] * 128},
    ],
)
def test_what_is_long_otherwise_passes(content: Any) -> None:
    check_json(json.dumps(content).encode())
