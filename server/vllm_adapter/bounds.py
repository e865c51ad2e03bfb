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
MAX_STREAMED_LOGPROBS = 32_768
"""Of a prompt: a stream's chunk is built on the event loop, whole replies are built aside."""
MAX_REPEATED_TOKENS = 1_048_576
MAX_WORD_CHARS = 65_536
"""Of `bad_words`, which are made tokens for each path."""
SPEAKERS = ("system", "developer", "user")
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
LENGTHS: Mapping[type[AnyRequest], tuple[str, ...]] = {
    ChatCompletionRequest: ("max_completion_tokens", "max_tokens"),
    CompletionRequest: ("max_tokens",),
    ResponsesRequest: ("max_output_tokens",),
}
"""What bounds a reply; a field is not looked for where it is none: that costs pydantic an error."""


def check_bounds(request: AnyRequest, decoder: Decoder | None, raw_request: Request) -> None:
    """Check a request for values that mean nothing to vLLM, and against the server's limits.

    Raises:
        InvalidRequest: it has such a value, or asks for more than is allowed.
    """
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
    paths, name = _paths(request, decoder)
    if paths > MAX_CHOICES:
        raise InvalidRequest(name, f"{name} asks for {paths} paths; at most {MAX_CHOICES} are run")
    _check_repeated(request, paths)
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
    vocab_size: int = state.vllm_config.model_config.get_vocab_size()
    _check_logprobs(request, paths * length, vocab_size, settings.max_logprobs)


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


def _check_repeated(request: AnyRequest, paths: int) -> None:
    """What vLLM reads or hands on once for each path, on the event loop."""
    words = sum(map(len, getattr(request, "bad_words", None) or ()))
    if words * paths > MAX_WORD_CHARS:
        raise InvalidRequest(
            "bad_words",
            f"bad_words of {words} characters for {paths} paths are {words * paths}; a request may "
            f"have {MAX_WORD_CHARS}: send fewer or shorter ones",
        )
    for name in ("allowed_token_ids", "stop_token_ids"):
        num_ids = len(getattr(request, name, None) or ())
        if num_ids * paths > MAX_REPEATED_TOKENS:
            raise InvalidRequest(
                name,
                f"{name} of {num_ids} tokens for {paths} paths are {num_ids * paths}; a request "
                f"may have {MAX_REPEATED_TOKENS}: name fewer",
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


def _check_logprobs(request: AnyRequest, num_tokens: int, vocab_size: int, limit: int) -> None:
    """The log-probabilities of what is generated; those of a prompt are `check_prompts`'s."""
    name, num_a_token = _num_logprobs(request, vocab_size)
    if num_tokens * num_a_token > limit:
        length_name = LENGTHS[type(request)][0]
        raise InvalidRequest(
            name,
            f"{name} asks for {num_a_token} log-probabilities of each of up to {num_tokens} "
            f"tokens, {num_tokens * num_a_token} in all; a request may ask for {limit}: lower "
            f"{name} or set a lower {length_name}",
        )


def _num_logprobs(request: AnyRequest, vocab_size: int) -> tuple[str, int]:
    """How many of a generated token, its own among them, and by which field."""
    if isinstance(request, ResponsesRequest):
        asks = request.is_include_output_logprobs()
        return "top_logprobs", 1 + (request.top_logprobs or 0) if asks else 0
    if request.logprobs is None or request.logprobs is False:
        return "logprobs", 0
    if chosen := request.logprob_token_ids:
        return "logprob_token_ids", 1 + len(chosen)
    if isinstance(request, ChatCompletionRequest):
        return "top_logprobs", _with_own(request.top_logprobs or 0, vocab_size)
    return "logprobs", _with_own(request.logprobs, vocab_size)


def _with_own(num_top: int, vocab_size: int) -> int:
    """-1 stands for all."""
    return vocab_size if num_top < 0 else 1 + num_top


def check_prompts(request: object, prompts: Sequence[Any], vocab_size: int, limit: int) -> None:
    """Hold what a reply says of its prompts against the limits, once their tokens are known.

    Args:
        request: one of `AnyRequest`, or of another route, which has none of the fields.
        prompts: engine inputs.

    Raises:
        InvalidRequest: their log-probabilities, or their tokens to be repeated, are too many.
    """
    if not isinstance(request, ChatCompletionRequest | CompletionRequest):
        return
    choices = request.n or 1
    num_tokens = choices * sum(len(one.get("prompt_token_ids") or ()) for one in prompts)
    name, num_a_token = _num_prompt_logprobs(request, vocab_size)
    if request.stream:  # whose chunks are built on the event loop
        limit = min(limit, MAX_STREAMED_LOGPROBS)
    if num_tokens * num_a_token > limit:
        raise InvalidRequest(
            name,
            f"{name} asks for {num_a_token} log-probabilities of each of {num_tokens} tokens of "
            f"prompts (n = {choices}), {num_tokens * num_a_token} in all; a request may ask for "
            f"{limit}{' in a stream' if request.stream else ''}: lower {name} or send shorter "
            "or fewer prompts",
        )
    repeats = "echo" if request.echo else "return_token_ids"
    if (request.echo or request.return_token_ids) and num_tokens > MAX_REPEATED_TOKENS:
        raise InvalidRequest(
            repeats,
            f"{repeats} would give {num_tokens} tokens of prompts (n = {choices}); at most "
            f"{MAX_REPEATED_TOKENS} are given: lower n or leave {repeats} out",
        )


def _num_prompt_logprobs(
    request: ChatCompletionRequest | CompletionRequest, vocab_size: int
) -> tuple[str, int]:
    """How many of a prompt's token, its own among them, and by which field."""
    name, num_top = "prompt_logprobs", request.prompt_logprobs
    if num_top is None and request.echo:
        is_chat = isinstance(request, ChatCompletionRequest)
        name = "top_logprobs" if is_chat else "logprobs"
        num_top = getattr(request, name)
    return name, 0 if num_top is None else _with_own(num_top, vocab_size)
