"""A reply, as OpenAI's API writes it, with Winnow's report where there is one, and its result."""

from pydantic import BaseModel, Field, ValidationError

from evaluation.choices import Choice
from evaluation.folder import Result
from evaluation.questions import Question


class NotWinnow(Exception):
    """A decoder was asked for, and the reply does not say what it did."""


class UnreadableReply(Exception):
    """The message says what is wrong with it."""


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message


class _Usage(BaseModel):
    completion_tokens: int


class _Report(BaseModel):
    answer: str | None
    confidence: float | None
    agreement: float | None
    fallback: str | None


class _Reply(BaseModel):
    choices: tuple[_Choice, ...] = Field(min_length=1)
    usage: _Usage | None = None
    decoding: _Report | None = None


def unanswered(question: Question, choice: Choice, concurrency: int, error: str) -> Result:
    return Result(
        id=question.id,
        decoder=choice.label,
        parameters=choice.decoding,
        gold=question.gold,
        concurrency=concurrency,
        error=error,
    )


def answered(
    question: Question, choice: Choice, concurrency: int, seconds: float, body: str
) -> Result:
    """The answer is the report's; that of a plain reply is read from its text.

    Raises:
        UnreadableReply: the body is no reply of a chat.
        NotWinnow: it is one without a report, which was asked for.
    """
    try:
        reply = _Reply.model_validate_json(body)
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        place = ".".join(map(str, error["loc"])) or "body"
        raise UnreadableReply(f"no chat completion: {place}: {error['msg']}") from None
    text = reply.choices[0].message.content or ""
    if choice.decoding is None:
        report = _Report(
            answer=choice.grader.read(text), confidence=None, agreement=None, fallback=None
        )
    elif reply.decoding is not None:
        report = reply.decoding
    else:
        raise NotWinnow(
            f"{choice.label} was asked for and the reply has no `decoding` report: the server is "
            "not Winnow; ask it with --decoders plain"
        )
    return Result(
        id=question.id,
        decoder=choice.label,
        parameters=choice.decoding,
        gold=question.gold,
        answer=report.answer,
        is_right=choice.grader.is_right(report.answer, question.gold),
        num_tokens=reply.usage.completion_tokens if reply.usage else None,
        seconds=seconds,
        concurrency=concurrency,
        confidence=report.confidence,
        agreement=report.agreement,
        fallback=report.fallback,
        text=text,
    )
