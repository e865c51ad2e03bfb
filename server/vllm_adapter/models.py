"""The models that the server answers to, and their aliases with a decoder."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import State
from vllm.lora.request import LoRARequest

from decoding.catalog import DECODERS
from server.errors import error_response, shown

router = APIRouter()


async def served_models(state: State) -> dict[str, dict[str, Any]]:
    """vLLM's model cards by id: base models and LoRA adapters."""
    models = await state.openai_serving_models.show_available_models()
    return {card.id: card.model_dump() for card in models.data}


def adapters(state: State) -> dict[str, LoRARequest | None]:
    """What an ensemble may draw from, by name; None is the base model, under any of its names."""
    models = state.openai_serving_models
    return {**{path.name: None for path in models.base_model_paths}, **models.lora_requests}


async def _cards(state: State) -> dict[str, dict[str, Any]]:
    cards = await served_models(state)
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
    card = (await _cards(raw_request.app.state)).get(model)
    if card is None:
        message = f"model {shown(model)} is not served; /v1/models lists those that are"
        return error_response(message, "model", HTTPStatus.NOT_FOUND)
    return JSONResponse(card)
