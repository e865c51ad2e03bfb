"""The models that the server answers to, and their aliases with a decoder."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import State
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.lora.request import LoRARequest

from decoding.catalog import DECODERS
from server.errors import error_response
from server.wire import split_alias, unknown_model

CheckModel = Callable[[Any], Awaitable[ErrorResponse | None]]
SERVING = (
    "openai_serving_chat",
    "openai_serving_chat_batch",
    "openai_serving_completion",
    "openai_serving_responses",
    "anthropic_serving_messages",
    "serving_tokenization",
)
"""vLLM's serving objects that look at a request's model."""

router = APIRouter()


async def served_models(state: State) -> dict[str, dict[str, Any]]:
    """vLLM's model cards by id: base models and LoRA adapters."""
    models = await state.openai_serving_models.show_available_models()
    return {card.id: card.model_dump() for card in models.data}


def adapters(state: State) -> dict[str, LoRARequest | None]:
    """What an ensemble may draw from, by name; None is the base model, under any of its names."""
    models = state.openai_serving_models
    return {**{path.name: None for path in models.base_model_paths}, **models.lora_requests}


def has_decoders(state: State) -> bool:
    """Whether the model generates text: others are served by vLLM alone."""
    return getattr(state, "openai_serving_chat", None) is not None


async def split_model(state: State, model: str) -> tuple[str, str | None]:
    """Split a model's name as `split_alias` does, by the models served at this time."""
    if ":" not in model or not has_decoders(state):
        return model, None
    return split_alias(model, await served_models(state))


async def _cards(state: State) -> dict[str, dict[str, Any]]:
    cards = await served_models(state)
    if not has_decoders(state):
        return cards
    aliases = {
        f"{name}:{strategy}": {**card, "id": f"{name}:{strategy}", "parent": name}
        for name, card in cards.items()
        for strategy in DECODERS
    }
    return {**aliases, **cards}


@router.get("/v1/models")
async def list_models(raw_request: Request) -> Response:
    cards = await _cards(raw_request.app.state)
    return JSONResponse({"object": "list", "data": sorted(cards.values(), key=_by_parent)})


def _by_parent(card: dict[str, Any]) -> bool:
    return ":" in card["id"] and card["id"].rpartition(":")[0] == card["parent"]


@router.get("/v1/models/{model:path}")
async def retrieve_model(model: str, raw_request: Request) -> Response:
    state = raw_request.app.state
    cards = await _cards(state)
    card = cards.get(model) or cards.get(model.rstrip("/"))
    if card is None:
        message = await _unknown(state, model)
        return error_response(message, "model", HTTPStatus.NOT_FOUND)
    return JSONResponse(card)


def tell_of_aliases(state: State) -> None:
    """Have vLLM's own refusals of a model say which there are, aliases included."""
    for name in SERVING:
        serving = getattr(state, name, None)
        if serving is not None:
            serving._check_model = _telling(serving._check_model, state)


def _telling(check: CheckModel, state: State) -> CheckModel:
    async def check_model(request: Any) -> ErrorResponse | None:  # vLLM's, of any route
        refusal = await check(request)
        if refusal is not None and refusal.error.code == HTTPStatus.NOT_FOUND:
            refusal.error.message = await _unknown(state, request.model)
        return refusal

    return check_model


async def _unknown(state: State, model: str) -> str:
    served = await served_models(state)
    return unknown_model(model, served, has_decoders=has_decoders(state))
