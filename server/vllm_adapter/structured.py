"""Structured outputs held against the bounds and compiled aside, before vLLM reads the request."""

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, cast

from fastapi import Request
from starlette.datastructures import State
from vllm.entrypoints.generate.base.serving import GenerateBaseServing
from vllm.tokenizers import TokenizerLike, cached_tokenizer_from_config
from vllm.utils.mistral import is_mistral_tokenizer
from vllm.v1.structured_output.utils import grammar_is_likely_lark

from server.errors import InvalidRequest
from server.gate.caller import caller_of
from server.structured.asked import Constraint, asked_for
from server.structured.compiler import CompilerAside, Text, refusal_of

NARROWING = ("allowed_token_ids", "bad_words", "min_tokens")
"""Fields that rule tokens out, maybe every one that a grammar takes."""

_narrowed_by: ContextVar[str | None] = ContextVar("winnow_narrowed_by", default=None)
logger = logging.getLogger(__name__)
# Other backends are the operator's choice; what they are given is bounded, not compiled aside.
COMPILED_ASIDE = ("auto", "xgrammar")


async def check_structured(raw_request: Request) -> None:
    """A dependency of the routes, because vLLM compiles some of it while it reads the body.

    Raises:
        InvalidRequest: what the reply must conform to exceeds a bound or cannot be compiled.
    """
    try:
        body = await raw_request.json()
    except (ValueError, RecursionError):
        return  # the route itself says what is wrong with it
    constraints = asked_for(body) if isinstance(body, dict) else []
    if isinstance(body, dict):
        _narrowed_by.set(next((name for name in NARROWING if body.get(name)), None))
    if constraints:
        tenant = caller_of(raw_request).tenant
        await compile_aside(constraints, raw_request.app.state, tenant)


def tell_of_dead_ends() -> None:
    """Have a request whose grammar takes none of the tokens that its other fields leave be refused
    by name. vLLM finds out when it has taken a wrong one, and calls it an error of its own."""
    raise_if_error = GenerateBaseServing._raise_if_error

    def raise_or_refuse(serving: Any, finish_reason: str | None, request_id: str) -> None:
        name = _narrowed_by.get()
        if finish_reason == "error" and name is not None:
            raise InvalidRequest(
                name,
                f"{name} rules out every token that the reply's format takes next; leave {name} "
                "out, or the format",
            )
        raise_if_error(serving, finish_reason, request_id)

    cast(Any, GenerateBaseServing)._raise_if_error = raise_or_refuse  # vLLM has no hook


async def compile_aside(constraints: Sequence[Constraint], state: State, tenant: str) -> None:
    """Check that the constraints compile, in a process aside.

    Raises:
        InvalidRequest: one of them does not.
    """
    backend = state.vllm_config.structured_outputs_config.backend
    compiler = compiler_of(state)
    if compiler is None or backend not in COMPILED_ASIDE:
        return
    texts = [_text(constraint) for constraint in constraints]
    failure = await compiler.failure_of(texts, tenant, constraints[0].field)
    # What xgrammar cannot read, "auto" gives to another backend, or refuses itself.
    if failure is not None and not (backend == "auto" and failure.stage == "parse"):
        raise refusal_of(constraints[failure.index], failure)


def _text(constraint: Constraint) -> Text:
    if constraint.kind != "grammar":
        return constraint.kind, constraint.text
    return ("lark" if grammar_is_likely_lark(constraint.text) else "ebnf"), constraint.text


def compiler_of(state: State) -> CompilerAside | None:
    """The server's one, made when it is first needed; None for a tokenizer that it cannot have."""
    if not hasattr(state, "winnow_compiler"):
        config = state.vllm_config.model_config
        tokenizer = None
        if not config.skip_tokenizer_init:
            tokenizer = cached_tokenizer_from_config(model_config=config)
        if tokenizer is None or is_mistral_tokenizer(tokenizer):
            logger.warning("structured outputs are not compiled aside with this tokenizer")
            state.winnow_compiler = None
        else:
            state.winnow_compiler = CompilerAside(
                state.winnow_settings.compile_timeout_s,
                lambda: describe(tokenizer, state.vllm_config),
            )
    compiler: CompilerAside | None = state.winnow_compiler
    return compiler


def describe(tokenizer: TokenizerLike, vllm_config: Any) -> dict[str, object]:
    """What XgrammarBackend makes its compiler of."""
    from xgrammar import TokenizerInfo  # a second, and most servers need it not

    vocab_size = vllm_config.model_config.get_vocab_size()
    return {
        "tokenizer": TokenizerInfo.from_huggingface(
            tokenizer,  # type: ignore[arg-type]  # vLLM's protocol; it is transformers' own
            vocab_size=vocab_size,
        ).serialize_json(),
        "disable_any_whitespace": vllm_config.structured_outputs_config.disable_any_whitespace,
    }
