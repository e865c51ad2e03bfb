"""Responses that vLLM keeps, for the tenant that made them: to others they are not there."""

from http import HTTPStatus
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import Response
from vllm.entrypoints.openai.responses import api_router as vllm_responses
from vllm.entrypoints.openai.responses.protocol import ResponsesRequest

from server.errors import InvalidRequest
from server.gate.admission import current_visit
from server.gate.caller import caller_of
from server.gate.response_ids import ResponseIds

PREVIOUS = "previous_response_id"

router = APIRouter()


@router.get("/v1/responses/{response_id}")
async def get_response(
    response_id: str,
    raw_request: Request,
    starting_after: int | None = None,
    stream: bool | None = False,
) -> Response:
    check_own(response_id, raw_request, "response_id")
    reply = await vllm_responses.retrieve_responses(
        response_id, raw_request, starting_after=starting_after, stream=stream
    )
    return cast(Response, reply)


@router.post("/v1/responses/{response_id}/cancel")
async def cancel_response(response_id: str, raw_request: Request) -> Response:
    check_own(response_id, raw_request, "response_id")
    return cast(Response, await vllm_responses.cancel_responses(response_id, raw_request))


def check_own(response_id: str, raw_request: Request, param: str) -> None:
    """Check that the response belongs to the caller's tenant.

    Raises:
        InvalidRequest: it is another tenant's, or nobody's.
    """
    ids: ResponseIds = raw_request.app.state.winnow_response_ids
    if not ids.is_of(caller_of(raw_request).tenant, response_id):
        # vLLM's words for one that it does not know.
        raise InvalidRequest(
            param, f"Response with id '{response_id}' not found.", HTTPStatus.NOT_FOUND
        )


def claim(request: ResponsesRequest, raw_request: Request) -> None:
    """Give the response an id of its tenant's.

    Raises:
        InvalidRequest: it continues a response that is not its tenant's.
    """
    if request.previous_response_id is not None:
        check_own(request.previous_response_id, raw_request, PREVIOUS)
    ids: ResponseIds = raw_request.app.state.winnow_response_ids
    request.request_id = ids.new(caller_of(raw_request).tenant)


def last_in_background(request: ResponsesRequest, raw_request: Request) -> None:
    """Have the visit last as long as the response does, of which the reply told only that it has
    begun."""
    serving = raw_request.app.state.openai_serving_responses
    task = serving.background_tasks.get(request.request_id)
    visit = current_visit.get()
    if task is not None and visit is not None:
        visit.last_for(task)
