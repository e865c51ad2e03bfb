import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.errors import InvalidRequest
from server.gate.json_text import MAX_DEPTH, MAX_INTEGER, check_json

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
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(InvalidRequest, match="nested deeper than 128"):
            check_json(body(depth))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    check_json(b"[" + b",".join([b"[]"] * 10_000) + b"]")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"a": NaN'])
def test_what_is_no_json_is_left_to_its_route(body: bytes) -> None:
    check_json(body)
