"""Compiling in a process of its own: what comes back, and that nothing outlives its time."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from server.gate.refusals import Refused
from server.structured.compiler import MAX_OF_TENANT, CompilerAside

pytestmark = pytest.mark.vllm  # it needs xgrammar, which comes with vLLM
LONG_S = 60.0
TENANT = "a"
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
    assert await aside.failure_of([text], TENANT) is None


async def test_failure_says_which_and_why(aside: CompilerAside) -> None:
    failure = await aside.failure_of([OBJECT, ("regex", "(")], TENANT)
    assert failure is not None
    assert (failure.index, failure.stage) == (1, "parse")
    assert failure.reason == "Regex parsing error at position 2: The parenthesis is not closed."


async def test_a_grammar_that_no_text_conforms_to_is_refused(aside: CompilerAside) -> None:
    failure = await aside.failure_of([("ebnf", "root ::= root")], TENANT)
    assert failure is not None
    assert (failure.stage, failure.reason) == ("compile", "no text conforms to it")


async def test_a_grammar_that_nests_too_deep_is_refused_and_the_next_compiles(
    aside: CompilerAside,
) -> None:
    failure = await aside.failure_of([("ebnf", "root ::= " + "(" * 60_000)], TENANT)
    assert failure is not None
    assert await aside.failure_of([("regex", "after")], TENANT) is None


async def test_too_slow_is_refused_and_ends_the_worker() -> None:
    compiler = CompilerAside(0.001, describe_letters)
    failure = await compiler.failure_of([SLOW], TENANT)
    assert failure is not None
    assert failure.reason.startswith("too complex: takes longer than 0.001 s to compile")
    assert compiler.is_idle
    await compiler.close()


async def test_cancelled_request_takes_its_worker_along(aside: CompilerAside) -> None:
    asking = asyncio.create_task(aside.failure_of([SLOW], TENANT))
    await asyncio.sleep(0)  # it has taken its turn
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert aside.is_idle
    assert await aside.failure_of([("regex", "another")], TENANT) is None


async def test_answers_are_kept(aside: CompilerAside) -> None:
    await aside.failure_of([OBJECT], TENANT)
    await aside.close()
    assert await aside.failure_of([OBJECT], TENANT) is None
    assert aside.is_idle  # no worker was needed


async def test_tenants_schema_waits_for_one_of_another_tenants() -> None:
    compiler = CompilerAside(LONG_S, describe_letters)
    compiled: list[tuple[str, str]] = []

    async def ask(tenant: str, pattern: str) -> None:
        await compiler.failure_of([("regex", pattern)], tenant)
        compiled.append((tenant, pattern))

    async with asyncio.TaskGroup() as group:
        for number in range(16):
            group.create_task(ask("greedy", f"a{{{number + 1}}}"))
        await asyncio.sleep(0)  # one of them has taken its turn, the others wait
        group.create_task(ask("other", "b"))
    assert compiled.index(("other", "b")) == 1
    assert len(compiled) == 17
    await compiler.close()


async def test_tenant_with_too_many_is_sent_away_and_no_other() -> None:
    compiler = CompilerAside(LONG_S, describe_letters)
    async with asyncio.TaskGroup() as group:
        for number in range(MAX_OF_TENANT):
            group.create_task(compiler.failure_of([("regex", f"a{{{number + 1}}}")], "greedy"))
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="schemas and grammars of yours") as refused:
            await compiler.failure_of([("regex", "b")], "greedy", "tools")
        assert await compiler.failure_of([("regex", "b")], "other") is None
    assert (refused.value.status, refused.value.param) == (HTTPStatus.TOO_MANY_REQUESTS, "tools")
    assert "Retry-After" in refused.value.headers
    await compiler.close()
