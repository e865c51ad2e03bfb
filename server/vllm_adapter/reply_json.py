"""A reply's JSON, made in slices that let other threads run in between."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response
from openai.types.responses import ResponseOutputMessage
from pydantic import BaseModel, TypeAdapter
from vllm.entrypoints.openai.responses.protocol import ResponsesResponse

from server.vllm_adapter.large_replies import MAX_ON_LOOP, build_aside

SLICE = 64  # positions
HOLDERS = ("response", "part", "item", "output", "choices", "logprobs")
"""Fields of a reply or an event with what holds lists of a value per token."""
LISTS = ("content", "logprobs", "top_logprobs", "prompt_logprobs", "token_ids", "prompt_token_ids")
"""Those lists."""
_VALUES: TypeAdapter[list[Any]] = TypeAdapter(list[Any])

Parts = dict[str, Any]  # by field: a model, or a list


async def json_response(reply: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """The reply as vLLM sends it."""
    return Response(await json_of(reply), media_type="application/json", headers=headers)


async def json_of(model: BaseModel) -> str:
    """The JSON of a reply or an event."""
    if num_values(model) <= MAX_ON_LOOP:
        return model.model_dump_json(by_alias=True)
    return await build_aside(lambda: _spliced(model))


def num_values(model: BaseModel) -> int:
    """How much there is to be written: log-probabilities and token ids."""
    return sum(_num_listed(model, value) for value in _parts(model).values())


def _num_listed(holder: BaseModel, value: Any) -> int:
    if isinstance(value, BaseModel):
        return num_values(value)
    if _holds_models(holder, value):
        return sum(map(num_values, value))
    last = value[-1]
    width = len(last) if isinstance(last, dict) else 1 + len(getattr(last, "top_logprobs", ()))
    return len(value) * width


def _parts(model: BaseModel) -> Parts:
    """What is made by itself."""
    values = {name: getattr(model, name, None) for name in dict.fromkeys(HOLDERS + LISTS)}
    return {name: one for name, one in values.items() if one and isinstance(one, list | BaseModel)}


def _holds_models(holder: BaseModel, value: list[Any]) -> bool:
    """Whether each has lists of its own: choices, output items, their parts."""
    return value is getattr(holder, "choices", None) or (
        isinstance(holder, ResponsesResponse | ResponseOutputMessage)
        and all(isinstance(one, BaseModel) for one in value)
    )


def _spliced(model: BaseModel) -> str:
    """The model's JSON; its parts are left out at first, made by themselves and put in."""
    parts = _parts(model)
    emptied: Parts = {
        name: [] if isinstance(value, list) else None for name, value in parts.items()
    }
    # Without them the model is not what its type says, which pydantic would warn of.
    bare = model.model_copy(update=emptied)
    text = bare.model_dump_json(by_alias=True, warnings=False)
    places = {
        name: f'"{name}":{"[]" if isinstance(parts[name], list) else "null"}' for name in parts
    }
    # Quotes within texts are escaped. The last is put in first, so that what is in it is not found.
    for name in sorted(places, key=lambda name: text.index(places[name]), reverse=True):
        written = _listed(model, parts[name])
        text = text.replace(places[name], f'"{name}":{written}', 1)
    return text


def _listed(holder: BaseModel, value: Any) -> str:
    if isinstance(value, BaseModel):
        return _spliced(value)
    if _holds_models(holder, value):
        return f"[{','.join(map(_spliced, value))}]"
    slices = (value[i : i + SLICE] for i in range(0, len(value), SLICE))
    return f"[{','.join(_VALUES.dump_json(one).decode()[1:-1] for one in slices)}]"
