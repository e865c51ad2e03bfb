"""A request's JSON body as a model, and what is wrong with it in words of ours."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from server.errors import InvalidRequest, shown

Model = TypeVar("Model", bound=BaseModel)


async def read_body(request: Request, model: type[Model]) -> Model:
    """Return the request's JSON body as an instance of `model`.

    Raises:
        InvalidRequest: the body does not conform to the model.
    """
    return parse_body(await request.body(), model)


def parse_body(body: bytes, model: type[Model]) -> Model:
    """Return a JSON body as an instance of `model`.

    Raises:
        InvalidRequest: the body does not conform to the model; the message names the field, the
            value and what is allowed.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        allowed = ", ".join(map(shown, model.model_fields))
        raise InvalidRequest(name, f"unknown key {shown(name)}; allowed are {allowed}")
    if not name:
        raise InvalidRequest("body", f"the body must be a JSON object: {error['msg']}")
    if error["type"] == "missing":
        raise InvalidRequest(name, f"{name} is missing")
    reason = error["msg"][0].lower() + error["msg"][1:].replace("'", '"')
    raise InvalidRequest(name, f"{name}: {reason}, got {shown(error['input'])}")
