"""A reply's JSON, made in slices that let other threads run in between."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel, TypeAdapter
from vllm.entrypoints.openai.chat_completion.protocol import (
    ChatCompletionLogProbs,
    ChatCompletionResponse,
)
from vllm.entrypoints.openai.completion.protocol import CompletionLogProbs, CompletionResponse
from vllm.entrypoints.openai.responses.protocol import ResponsesResponse
from vllm.logprobs import Logprob

from server.vllm_adapter.large_replies import MAX_ON_LOOP, build_aside

SLICE = 64  # positions
_ROWS: TypeAdapter[Any] = TypeAdapter(list[dict[int, Logprob] | None])
_TOP: TypeAdapter[Any] = TypeAdapter(list[dict[str, float] | None])
_CONTENT: TypeAdapter[Any] = TypeAdapter(list[Any])

Reply = ChatCompletionResponse | CompletionResponse | ResponsesResponse


async def json_response(reply: Reply, headers: Mapping[str, str] | None = None) -> Response:
    """The reply as vLLM sends it."""

    def write() -> str:
        if isinstance(reply, ResponsesResponse):
            return reply.model_dump_json(by_alias=True)
        return _spliced(reply, {"choices": [], "prompt_logprobs": None})

    text = await build_aside(write) if _num_values(reply) > MAX_ON_LOOP else write()
    return Response(text, media_type="application/json", headers=headers)


def _num_values(reply: Reply) -> int:
    """How much there is to be written: log-probabilities and token ids."""
    if isinstance(reply, ResponsesResponse):
        parts = [part for item in reply.output for part in getattr(item, "content", None) or ()]
        logprobs = [one for part in parts for one in getattr(part, "logprobs", None) or ()]
        return sum(1 + len(one.top_logprobs) for one in logprobs)
    rows = [getattr(one, "prompt_logprobs", None) for one in (reply, *reply.choices)]
    num_rows = sum(len(some) * len(some[-1] or ()) for some in rows if some)
    ids = [one for holder in (reply, *reply.choices) for one in _id_lists(holder)]
    return num_rows + sum(map(len, ids)) + sum(_num_logprobs(one.logprobs) for one in reply.choices)


def _id_lists(holder: Any) -> Iterator[Sequence[int]]:  # a reply or a choice
    for name in ("token_ids", "prompt_token_ids"):
        yield getattr(holder, name, None) or ()


def _num_logprobs(logprobs: Any) -> int:
    if isinstance(logprobs, ChatCompletionLogProbs):
        content = logprobs.content or []
        return sum(1 + len(one.top_logprobs) for one in content)
    if isinstance(logprobs, CompletionLogProbs):
        return sum(1 + len(one or ()) for one in logprobs.top_logprobs)
    return 0


def _sliced(reply: ChatCompletionResponse | CompletionResponse) -> str:
    text = _spliced(reply, {"choices": [], "prompt_logprobs": None})
    return text


def _spliced(model: BaseModel, emptied: dict[str, Any]) -> str:
    """The model's JSON; what is emptied first is made by itself and put in."""
    names = [name for name in emptied if getattr(model, name, None)]
    text = model.model_copy(update={name: emptied[name] for name in names}).model_dump_json()
    for name in names:
        # Quotes within texts are escaped, so that this can only be the field.
        place = f'"{name}":' + ("[]" if emptied[name] == [] else "null")
        before, found, behind = text.partition(place)
        assert found, f"vLLM's {type(model).__name__} leaves {name} out"
        text = f'{before}"{name}":{_listed(name, getattr(model, name))}{behind}'
    return text


def _listed(name: str, value: Any) -> str:
    if name == "choices":
        heavy = {"logprobs": None, "prompt_logprobs": None}
        return f"[{','.join(_spliced(choice, heavy) for choice in value)}]"
    if isinstance(value, ChatCompletionLogProbs):
        return _spliced(value, {"content": []})
    if isinstance(value, CompletionLogProbs):
        return _spliced(value, {"top_logprobs": []})
    adapter = {"content": _CONTENT, "top_logprobs": _TOP}.get(name, _ROWS)
    slices = (value[i : i + SLICE] for i in range(0, len(value), SLICE))
    return f"[{','.join(adapter.dump_json(one).decode()[1:-1] for one in slices)}]"
