"""/v1/feedback: whether a reply was right, by whoever knows."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from server.body import read_body
from server.collections.memory import Rememberer
from server.errors import InvalidRequest
from server.gate.caller import caller_of
from server.metrics import server_metrics
from server.replies.ledger import Ledger

router = APIRouter()


class Feedback(BaseModel):
    """A judgement of the reply with this id: `correct`, or the right answer as `reference`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")
    correct: bool | None = None
    reference: str | None = Field(None, min_length=1, max_length=1000)
    comment: str | None = Field(None, max_length=10_000)


@router.post("/v1/feedback")
async def give_feedback(request: Request) -> dict[str, Any]:  # JSON
    feedback = await read_body(request, Feedback)
    if (feedback.correct is None) == (feedback.reference is None):
        raise InvalidRequest(
            "reference",
            "feedback has either correct, true or false, or the right answer, reference",
        )
    tenant = caller_of(request).tenant
    ledger: Ledger = request.app.state.winnow_ledger
    judgement = await ledger.judge(
        tenant,
        feedback.id,
        is_right=feedback.correct,
        reference=feedback.reference,
        comment=feedback.comment,
    )
    reply = judgement.reply
    if judgement.is_new:
        server_metrics().judge(
            reply.model,
            reply.strategy,
            "feedback",
            judgement.is_right,
            reply.answer is not None,
            reply.sureness,
        )
    rememberer: Rememberer = request.app.state.winnow_rememberer
    return {
        "object": "feedback",
        "id": feedback.id,
        "is_right": judgement.is_right,
        "is_new": judgement.is_new,
        "is_remembered": await rememberer.judge(tenant, feedback.id, judgement.is_right),
    }
