"""What a request may ask of the engine, decoder or not, before the engine is touched."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.openai.responses.protocol import ResponsesRequest

from decoding.decoder import Decoder
from server.errors import InvalidRequest, shown
from server.settings import Settings

AnyRequest = ChatCompletionRequest | CompletionRequest | ResponsesRequest
MAX_CHOICES = 128
MAX_TOP_LOGPROBS = 20  # as OpenAI has it
MAX_BIASES = 1024
SPEAKERS = ("system", "developer", "user")
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
LENGTHS: Mapping[type[AnyRequest], tuple[str, ...]] = {
    ChatCompletionRequest: ("max_completion_tokens", "max_tokens"),
    CompletionRequest: ("max_tokens",),
    ResponsesRequest: ("max_output_tokens",),
}
"""What bounds a reply; a field is not looked for where it is none: that costs pydantic an error."""


async def check_lists(raw_request: Request) -> None:
    """A dependency of the routes, because vLLM stumbles over some values that are no lists.

    Raises:
        InvalidRequest: the value is none.
    """
    try:
        body = await raw_request.json()
    except (ValueError, RecursionError):
        return  # the route itself says what is wrong with it
    if not isinstance(body, dict):
        return
    for name in ("messages", "tools"):
        value = body.get(name, [])
        if not isinstance(value, list) and (value is not None or name == "messages"):
            raise InvalidRequest(name, f"{name} must be a list, got {shown(value)}")


def check_bounds(request: AnyRequest, decoder: Decoder | None, raw_request: Request) -> None:
    """Raises InvalidRequest: what vLLM takes without meaning, or more than may be asked for."""
    if isinstance(request, ChatCompletionRequest):
        _check_messages(request.messages)
    if request.model == "":
        raise InvalidRequest("model", 'model must name a model or be left out, got ""')
    if isinstance(request, ResponsesRequest) and (request.top_logprobs or 0) > MAX_TOP_LOGPROBS:
        raise InvalidRequest(
            "top_logprobs",
            f"top_logprobs must be at most {MAX_TOP_LOGPROBS}, got {shown(request.top_logprobs)}",
        )
    _check_logit_bias(request.logit_bias)
    _check_kv_transfer(request, raw_request)
    paths, name = _paths(request, decoder)
    if paths > MAX_CHOICES:
        raise InvalidRequest(name, f"{name} asks for {paths} paths; at most {MAX_CHOICES} are run")
    state = raw_request.app.state
    settings: Settings = state.winnow_settings
    context: int = state.vllm_config.model_config.max_model_len
    length_name, length = _length(request, context)
    budget = settings.max_request_tokens or settings.max_paths * context
    if paths * length > budget:
        raise InvalidRequest(
            length_name,
            f"{paths} paths of up to {length} tokens are {paths * length}; a request may ask for "
            f"{budget}: lower {length_name} or {name}",
        )


def _check_messages(messages: Sequence[Any]) -> None:  # typed dicts and models of vLLM's, OpenAI's
    for number, message in enumerate(messages):
        fields = message if isinstance(message, dict) else vars(message)
        role = fields.get("role")
        if role not in ROLES:
            raise InvalidRequest(
                f"messages.{number}.role",
                f"role must be one of {', '.join(ROLES)}, got {shown(role)}",
            )
        if role in SPEAKERS and fields.get("content") is None:
            name = f"messages.{number}.content"
            raise InvalidRequest(name, f"{name} is missing: a message of the role {role} needs it")


def _check_logit_bias(bias: Mapping[str, float] | None) -> None:
    if not bias:
        return
    if len(bias) > MAX_BIASES:
        raise InvalidRequest(
            "logit_bias", f"logit_bias may have {MAX_BIASES} tokens, got {len(bias)}"
        )
    for token_id, value in bias.items():
        if not math.isfinite(value):
            raise InvalidRequest(
                "logit_bias", f"logit_bias of {shown(token_id)} must be finite, got {shown(value)}"
            )


def _check_kv_transfer(request: AnyRequest, raw_request: Request) -> None:
    """Without a connector vLLM ignores the field; with one it names hosts to fetch from."""
    if getattr(request, "kv_transfer_params", None) is None:
        return
    if raw_request.app.state.vllm_config.kv_transfer_config is None:
        raise InvalidRequest(
            "kv_transfer_params", "kv_transfer_params needs a server with --kv-transfer-config"
        )


def _paths(request: AnyRequest, decoder: Decoder | None) -> tuple[int, str]:
    """How many, and by which field."""
    if decoder is not None:
        return decoder.num_paths, f"decoding.{decoder.fan_out_field or 'strategy'}"
    if isinstance(request, ResponsesRequest):
        return 1, "n"
    choices = request.n or 1
    prompt = request.prompt if isinstance(request, CompletionRequest) else None
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        num_prompts = len(prompt)
        return choices * num_prompts, "n" if choices > num_prompts else "prompt"
    return choices, "n"


def _length(request: AnyRequest, context: int) -> tuple[str, int]:
    """What a path may generate at most."""
    names = LENGTHS[type(request)]
    for name in names:
        value = getattr(request, name)
        if value is not None:
            return name, min(value, context)
    return names[0], context
