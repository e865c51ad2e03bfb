"""Compiling in a process of its own: what comes back, and that nothing outlives its time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.errors import InvalidRequest
from server.structured import compiler as compiler_module
from server.structured.compiler import CompilerAside

pytestmark = pytest.mark.vllm  # it needs xgrammar, which comes with vLLM
LONG_S = 60.0
# Takes more than a hundredth of a second, with a large vocabulary many seconds.
SLOW = ("regex", "(a|b|ab|ba|aab)*" * 256)
OBJECT = ("json", '{"type": "object"}')


def describe_letters() -> dict[str, object]:
    from xgrammar import TokenizerInfo

    letters = [bytes([code]) for code in range(256)]
    tokenizer = TokenizerInfo([*letters, b"</s>"], stop_token_ids=[256]).serialize_json()
    return {"tokenizer": tokenizer, "disable_any_whitespace": True}


@pytest.fixture(scope="module")
async def aside() -> AsyncIterator[CompilerAside]:
    compiler = CompilerAside(LONG_S, describe_letters)
    yield compiler
    await compiler.close()


@pytest.mark.parametrize(
    "text",
    [
        OBJECT,
        ("regex", "[a-z]{1,100}"),
        ("ebnf", 'root ::= root "a" | "b"'),
        ("lark", 'start: start "a" | "b"'),
        ("structural_tag", '{"type": "structural_tag", "format": {"type": "any_text"}}'),
        (
            "structural_tag",
            '{"structures": [{"begin": "<a>", "schema": {}, "end": "</a>"}], "triggers": ["<a"]}',
        ),
    ],
    ids=["json", "regex", "ebnf", "lark", "tag", "deprecated tag"],
)
async def test_what_compiles(aside: CompilerAside, text: tuple[str, str]) -> None:
    assert await aside.failure_of([text]) is None


async def test_failure_says_which_and_why(aside: CompilerAside) -> None:
    failure = await aside.failure_of([OBJECT, ("regex", "(")])
    assert failure is not None
    assert (failure.index, failure.stage) == (1, "parse")
    assert failure.reason == "Regex parsing error at position 2: The parenthesis is not closed."


async def test_a_grammar_that_no_text_conforms_to_is_refused(aside: CompilerAside) -> None:
    failure = await aside.failure_of([("ebnf", "root ::= root")])
    assert failure is not None
    assert (failure.stage, failure.reason) == ("compile", "no text conforms to it")


async def test_a_grammar_that_nests_too_deep_is_refused_and_the_next_compiles(
    aside: CompilerAside,
) -> None:
    failure = await aside.failure_of([("ebnf", "root ::= " + "(" * 60_000)])
    assert failure is not None
    assert await aside.failure_of([("regex", "after")]) is None


async def test_too_slow_is_refused_and_ends_the_worker() -> None:
    compiler = CompilerAside(0.001, describe_letters)
    failure = await compiler.failure_of([SLOW])
    assert failure is not None
    assert failure.reason.startswith("too complex: takes longer than 0.001 s to compile")
    assert compiler.is_idle
    await compiler.close()


async def test_cancelled_request_takes_its_worker_along(aside: CompilerAside) -> None:
    asking = asyncio.create_task(aside.failure_of([SLOW]))
    await asyncio.sleep(0)  # it has taken its turn
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert aside.is_idle
    assert await aside.failure_of([("regex", "another")]) is None


async def test_more_than_may_wait_are_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch, aside: CompilerAside
) -> None:
    monkeypatch.setattr(compiler_module, "MAX_WAITING", 0)
    with pytest.raises(InvalidRequest, match="try again") as caught:
        await aside.failure_of([("regex", "not asked before")])
    assert caught.value.status == 503


async def test_answers_are_kept(aside: CompilerAside) -> None:
    await aside.failure_of([OBJECT])
    await aside.close()
    assert await aside.failure_of([OBJECT]) is None
    assert aside.is_idle  # no worker was needed
