"""/ready: whether the server takes requests. /health tells whether it lives."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from server.errors import error_response

router = APIRouter()


@router.get("/ready")
async def is_ready(request: Request) -> Response:
    engine = getattr(request.app.state, "engine_client", None)
    if engine is not None and engine.errored:
        return error_response("the engine is dead", status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JSONResponse({"status": "ready"})
