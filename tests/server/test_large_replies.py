"""Replies with many log-probabilities: bounded, built beside the event loop, and the same as small
ones."""

import asyncio
import gc
import json
import threading
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.vllm

CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
PROMPT = [*range(5, 405)]  # 400 tokens
Json = dict[str, Any]


class Pieces:
    """A tokenizer whose token 7 is the piece "t7"."""

    def __init__(self) -> None:
        self.num_decoded = 0

    def decode(self, token_ids: int | list[int]) -> str:
        self.num_decoded += 1
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        return "".join(f"t{one}" for one in ids)

    def convert_ids_to_tokens(self, token_ids: list[int]) -> list[str]:
        return [f"t{one}" for one in token_ids]


def rows_of(num_rows: int, num_top: int) -> Any:  # vLLM's tensors
    import torch
    from vllm.v1.outputs import LogprobsTensors

    token_ids = torch.arange(num_rows * (num_top + 1), dtype=torch.int32).reshape(num_rows, -1)
    return LogprobsTensors(token_ids % 50, -token_ids.float(), token_ids[:, 0])


def processor(tokenizer: Pieces) -> Any:
    from vllm.v1.engine.logprobs import LogprobsProcessor

    return LogprobsProcessor(tokenizer, None, [None], None, None, 2)  # type: ignore[arg-type]  # a stand-in


@pytest.mark.usefixtures("vllm_environment")
def test_rows_that_were_put_off_are_those_that_vllm_makes() -> None:
    from server.vllm_adapter import large_replies

    at_once, later = processor(Pieces()), processor(Pieces())
    for num_rows in (3, 2):  # as of a prompt that is prefilled in parts
        tensors = rows_of(num_rows, 2)
        large_replies._update_prompt_logprobs(at_once, tensors)
        large_replies._put_off(later, tensors)
    rows = later.prompt_logprobs
    assert list(rows) == [None]
    rows.build()
    assert list(rows) == at_once.prompt_logprobs
    rows.build()
    assert len(rows) == 1 + 3 + 2


@pytest.mark.usefixtures("vllm_environment")
def test_text_of_a_token_is_decoded_once() -> None:
    from server.vllm_adapter import large_replies

    tokenizer = Pieces()
    texts = large_replies._TokenTexts(tokenizer)  # type: ignore[arg-type]  # a stand-in
    texts._convert = lambda tokenizer, ids: [tokenizer.decode(one) for one in ids]  # type: ignore[method-assign,attr-defined]
    assert texts(tokenizer, [3, 4, 3]) == ["t3", "t4", "t3"]  # type: ignore[arg-type]
    assert texts(tokenizer, [4, 3, 5]) == ["t4", "t3", "t5"]  # type: ignore[arg-type]
    assert tokenizer.num_decoded == 3


class Bytes(Pieces):
    """A tokenizer whose tokens are bytes of UTF-8."""

    def decode(self, token_ids: int | list[int]) -> str:
        self.num_decoded += 1
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        return bytes(ids).decode(errors="replace")


@pytest.mark.usefixtures("vllm_environment")
def test_cut_characters_are_completed_as_by_vllm() -> None:
    from server.vllm_adapter import large_replies

    text = "aé☃🙂".encode()
    tokenizer = Bytes()
    one = processor(tokenizer)
    for end in range(len(text)):
        context = list(text[max(0, end - 4) : end])
        for token_id in range(128, 256):
            corrected = large_replies._correct_cut_token(one, token_id, context)
            assert corrected == large_replies._correct_decoded_token(one, token_id, context)
    before = tokenizer.num_decoded
    assert large_replies._correct_cut_token(one, 200, [97, 97, 97, 97]) == ""
    assert tokenizer.num_decoded == before + 1


@pytest.mark.usefixtures("vllm_environment")
async def test_large_reply_is_built_in_another_thread() -> None:
    from server.vllm_adapter import large_replies

    assert await large_replies.build_aside(threading.get_ident) != threading.get_ident()

    class Serving:
        async def finish(self, request: Any, outputs: Any) -> tuple[Any, int]:
            return [one async for one in outputs], threading.get_ident()

    large_replies._finish_aside(Serving, "finish", large_replies._collect_chat)

    async def outputs(num_tokens: int) -> Any:
        for _ in range(2):
            logprobs = [dict.fromkeys(range(5), -1.0)] * num_tokens
            completion = SimpleNamespace(token_ids=[1] * num_tokens, logprobs=logprobs)
            yield SimpleNamespace(outputs=[completion], prompt_logprobs=None)

    request = SimpleNamespace(stream=False)
    small, here = await Serving().finish(request, outputs(10))
    large, there = await Serving().finish(request, outputs(1000))
    assert (len(small), len(large)) == (1, 1)
    assert here == threading.get_ident() != there


@pytest.mark.usefixtures("vllm_environment")
async def test_collector_waits_until_the_reply_is_gone() -> None:
    from server.vllm_adapter.large_replies import build_aside, build_reply

    async def answer(build: Any) -> bool:
        assert not await build(gc.isenabled)
        return gc.isenabled()

    assert not await asyncio.create_task(answer(build_reply))
    await asyncio.sleep(0)
    assert gc.isenabled()
    assert await asyncio.create_task(answer(build_aside))


@pytest.mark.usefixtures("vllm_environment")
async def test_collector_comes_back_though_large_replies_never_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from server.vllm_adapter import large_replies

    monkeypatch.setattr(large_replies, "MAX_PAUSE_S", 0.05)

    async def reply() -> None:
        assert not await large_replies.build_reply(gc.isenabled)
        await asyncio.sleep(0.2)

    first = asyncio.create_task(reply())
    await asyncio.sleep(0.1)
    assert await large_replies.build_aside(gc.isenabled)
    await first
    assert not await large_replies.build_aside(gc.isenabled)


@pytest.mark.usefixtures("vllm_environment")
def test_json_in_slices_is_that_of_the_whole() -> None:
    from openai.types import responses
    from openai.types.responses import response_output_text
    from vllm.entrypoints.openai.chat_completion import protocol as chat
    from vllm.entrypoints.openai.completion import protocol as completion
    from vllm.entrypoints.serve.engine.protocol import UsageInfo
    from vllm.logprobs import Logprob

    from server.vllm_adapter import reply_json
    from server.vllm_adapter.response_events import IncompleteEvent

    text = '"logprobs":null, "choices":[] \\ é'
    rows = [None, *({i: Logprob(-0.5, 1, text), 7: Logprob(-1.5, 2, "b")} for i in range(200))]
    top = [chat.ChatCompletionLogProb(token=text, logprob=-0.1, bytes=[34])]
    content = [
        chat.ChatCompletionLogProbsContent(token="a", logprob=-1e-9, top_logprobs=top)
        for _ in range(200)
    ]
    message = chat.ChatMessage(role="assistant", content=text)
    choices = [
        chat.ChatCompletionResponseChoice(
            index=index, message=message, logprobs=chat.ChatCompletionLogProbs(content=content)
        )
        for index in range(3)
    ]
    bare = chat.ChatCompletionResponseChoice(index=3, message=message)
    logprobs = completion.CompletionLogProbs(
        text_offset=[0] * 200,
        token_logprobs=[None, *[-0.5] * 199],
        tokens=["a"] * 200,
        top_logprobs=[None, *[{text: -0.5, "b": -1.0}] * 199],
    )
    some = completion.CompletionResponseChoice(
        index=0, text=text, logprobs=logprobs, prompt_logprobs=rows, prompt_token_ids=[1, 2]
    )
    usage = UsageInfo(prompt_tokens=1, completion_tokens=2, total_tokens=3)
    chosen = [
        response_output_text.Logprob(
            token=text,
            bytes=[34],
            logprob=-0.5,
            top_logprobs=[response_output_text.LogprobTopLogprob(token=text, bytes=[], logprob=-1)],
        )
        for _ in range(3000)
    ]
    said = responses.ResponseOutputText(
        annotations=[], text=text, type="output_text", logprobs=chosen
    )
    item = responses.ResponseOutputMessage(
        id="a", content=[said, said], role="assistant", status="completed", type="message"
    )
    thought = responses.ResponseReasoningItem(id="r", summary=[], type="reasoning")
    response = response_of([thought, item, item])
    replies: list[Any] = [
        response,
        response_of([]),
        IncompleteEvent.model_construct(
            type="response.incomplete", response=response, sequence_number=3
        ),
        responses.ResponseContentPartDoneEvent(
            type="response.content_part.done",
            sequence_number=1,
            item_id="a",
            output_index=0,
            content_index=0,
            part=said,
        ),
        responses.ResponseOutputItemDoneEvent(
            type="response.output_item.done", sequence_number=1, output_index=0, item=item
        ),
        chat.ChatCompletionResponse(
            model=text, choices=[*choices, bare], usage=usage, prompt_logprobs=rows
        ),
        chat.ChatCompletionResponse(model="m", choices=[bare], usage=usage, decoding={"a": 1}),
        completion.CompletionResponse(model="m", choices=[some, some], usage=usage),
    ]
    for reply in replies:
        whole = reply.model_dump(mode="json", by_alias=True)
        assert json.loads(reply_json._spliced(reply)) == whole
        sent = asyncio.run(reply_json.json_response(reply))
        assert json.loads(bytes(sent.body)) == whole
        assert sent.headers["content-type"] == "application/json"
    sizes = [reply_json.num_values(one) for one in replies]
    assert sizes == [24_000, 0, 24_000, 6000, 12_000, 3 * 200 * 2 + 201 * 2, 0, 2 * (201 * 2 + 402)]


def response_of(output: list[Any]) -> Any:  # vLLM's ResponsesResponse
    from vllm.entrypoints.openai.responses.protocol import ResponsesResponse

    return ResponsesResponse.model_construct(
        id="resp_1",
        created_at=1,
        model="m",
        output=output,
        metadata={"output": "[]", "logprobs": "null"},
        parallel_tool_calls=True,
        temperature=1.0,
        tool_choice="auto",
        tools=[],
        top_p=1.0,
        background=False,
        max_output_tokens=5,
        service_tier="auto",
        status="completed",
        truncation="disabled",
        decoding={"a": 1},
    )


def completion(**fields: Any) -> tuple[str, Json]:
    return COMPLETIONS, {"model": "pocket", "prompt": PROMPT, "max_tokens": 1, **fields}


def chat(**fields: Any) -> tuple[str, Json]:
    body = {"model": "pocket", "messages": [{"role": "user", "content": "Hi"}]}
    return CHAT, {**body, "max_tokens": 1, **fields}


@pytest.mark.parametrize(
    ("asked", "param", "product"),
    [
        (completion(prompt=[PROMPT] * 64, prompt_logprobs=20), "prompt_logprobs", 537_600),
        (completion(prompt_logprobs=20, n=64, temperature=1), "prompt_logprobs", 537_600),
        (completion(prompt=[PROMPT] * 64, echo=True, logprobs=20), "logprobs", 537_600),
        (completion(echo=True, logprobs=64, n=2, stream=True), "logprobs", 52_000),
        (completion(prompt=[5, 6], logprobs=64, n=64, max_tokens=100), "logprobs", 416_000),
        (chat(logprobs=True, top_logprobs=20, n=64, max_tokens=200), "top_logprobs", 268_800),
        (
            chat(logprobs=True, logprob_token_ids=[*range(100)], n=32, max_tokens=100),
            "logprob_token_ids",
            323_200,
        ),
    ],
)
def test_too_many_are_refused_with_the_product(
    http: httpx.Client, asked: tuple[str, Json], param: str, product: int
) -> None:
    path, body = asked
    reply = http.post(path, json=body)
    assert reply.status_code == HTTPStatus.BAD_REQUEST, reply.text
    error = reply.json()["error"]
    assert error["param"] == param
    assert f"{product}" in error["message"]
    assert "lower" in error["message"]


@pytest.mark.usefixtures("vllm_environment")
@pytest.mark.parametrize("field", ["echo", "return_token_ids"])
def test_prompts_are_repeated_within_a_bound(field: str) -> None:
    from vllm.entrypoints.openai.completion.protocol import CompletionRequest

    from server.errors import InvalidRequest
    from server.vllm_adapter.bounds import MAX_REPEATED_TOKENS, check_prompts

    request = CompletionRequest.model_validate({"prompt": "a", "n": 128, field: True})
    most = MAX_REPEATED_TOKENS // 128
    check_prompts(request, [{"prompt_token_ids": [5] * most}], 50_000, 1)
    with pytest.raises(InvalidRequest, match="lower n or leave") as caught:
        check_prompts(request, [{"prompt_token_ids": [5] * (most + 1)}], 50_000, 1)
    assert caught.value.param == field


def test_large_reply_says_what_small_ones_say(http: httpx.Client) -> None:
    path, body = completion(prompt_logprobs=20, logprobs=5, echo=True, temperature=0, max_tokens=3)
    reply = http.post(path, json=body)
    assert reply.status_code == HTTPStatus.OK, reply.text
    (choice,) = reply.json()["choices"]
    small = http.post(path, json={**body, "prompt": PROMPT[:20], "prompt_logprobs": 5})
    (other,) = small.json()["choices"]
    assert len(choice["prompt_logprobs"]) == 400
    assert all(len(row) >= 20 for row in choice["prompt_logprobs"][1:])
    assert len(choice["logprobs"]["tokens"]) == 403
    assert choice["logprobs"]["tokens"][:20] == other["logprobs"]["tokens"][:20]


@pytest.mark.parametrize("decoding", [{}, {"decoding": {"strategy": "greedy"}}])
def test_large_chat_has_every_log_probability(http: httpx.Client, decoding: Json) -> None:
    path, body = chat(
        logprobs=True, top_logprobs=20, max_tokens=300, ignore_eos=True, temperature=0
    )
    reply = http.post(path, json=body | decoding)
    assert reply.status_code == HTTPStatus.OK, reply.text
    (choice,) = reply.json()["choices"]
    assert len(choice["logprobs"]["content"]) == 300
    assert {len(one["top_logprobs"]) for one in choice["logprobs"]["content"]} == {20}
    assert ("decoding" in reply.json()) == bool(decoding)
    assert reply.json()["usage"]["completion_tokens"] == 300


def test_large_response_has_every_log_probability(http: httpx.Client) -> None:
    body = {
        "model": "pocket",
        "input": "Hi",
        "max_output_tokens": 300,
        "include": ["message.output_text.logprobs"],
        "top_logprobs": 20,
        "ignore_eos": True,
    }
    reply = http.post(RESPONSES, json=body)
    assert reply.status_code == HTTPStatus.OK, reply.text
    (item,) = reply.json()["output"]
    assert len(item["content"][0]["logprobs"]) == 300
