"""Asking every question of every decoder, some at once, and telling of each result as it comes.

OpenAI's client connects anew and waits where a server is busy (429, 503, its `Retry-After`); what
fails after that fails alone, unless it shows that going on is of no use.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import groupby
from typing import Any, Literal

import openai

from evaluation.choices import Choice
from evaluation.folder import Result
from evaluation.questions import Question
from evaluation.replies import UnreadableReply, answered, unanswered
from evaluation.target import NO_KEY, Endpoint

MAX_RETRIES = 5
MIN_UNREACHED = 8
"""Requests in a row without a reply after which no more are made; no fewer than run at once."""
MAX_SHOWN_CHARACTERS = 300
BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})


class ServerGone(Exception):
    """The message names the address and what came of the last request."""


class _Failed(Exception):
    """A request that is not made again; `kind` says what follows from it for others."""

    def __init__(self, message: str, kind: Literal["refused", "unreached", "spoilt"]) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Pair:
    question: Question
    choice: Choice


@dataclass(frozen=True)
class Terms:
    """How all is asked. `max_retries` are of one request."""

    max_tokens: int
    concurrency: int
    max_retries: int = MAX_RETRIES


async def ask_all(
    endpoint: Endpoint,
    terms: Terms,
    pairs: Sequence[Pair],
    known: set[str],
    tell: Callable[[Result], None],
) -> None:
    """Tell the result of each pair. A decoder that is refused is stopped; one in `known` has been
    answered before, so that a refusal concerns the question alone.

    Raises:
        NotWinnow: as the message says.
        ServerGone: so many requests in a row got no reply that it is of no use to go on.
    """
    http = openai.DefaultAsyncHttpxClient(trust_env=False) if endpoint.is_local else None
    async with openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key or NO_KEY,
        max_retries=terms.max_retries,
        http_client=http,
    ) as client:
        asker = _Asker(client, endpoint, terms, set(known), tell)
        try:
            await asker.ask_all(pairs)
        except ExceptionGroup as failures:  # of the workers; the first has ended the others
            raise failures.exceptions[0] from None


@dataclass
class _Asker:
    client: openai.AsyncOpenAI
    endpoint: Endpoint
    terms: Terms
    known: set[str]
    tell: Callable[[Result], None]
    refused: set[str] = field(default_factory=set)
    num_unreached: int = 0

    async def ask_all(self, pairs: Sequence[Pair]) -> None:
        """First, one at a time, the first question of each decoder that is not known: what is
        refused is told before the others take their time."""
        first, rest = _split(pairs, self.known)
        for pair in first:
            await self._ask(pair)
        todo = iter(rest)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.terms.concurrency):
                group.create_task(self._work(todo))

    async def _work(self, todo: Iterator[Pair]) -> None:
        for pair in todo:
            if pair.choice.label not in self.refused:
                await self._ask(pair)

    async def _ask(self, pair: Pair) -> None:
        label, concurrency = pair.choice.label, self.terms.concurrency
        try:
            result = await self._answer(pair)
        except _Failed as failure:
            error = str(failure)
            if failure.kind == "refused" and label not in self.known:
                self.refused.add(label)
                error += "; nothing more is asked of this decoder"
            self.num_unreached = self.num_unreached + 1 if failure.kind == "unreached" else 0
            self.tell(unanswered(pair.question, pair.choice, concurrency, error))
        else:
            self.known.add(label)
            self.num_unreached = 0
            self.tell(result)
        if self.num_unreached >= max(MIN_UNREACHED, concurrency):
            raise ServerGone(f"{self.endpoint.base_url} does not answer any more")

    async def _answer(self, pair: Pair) -> Result:
        decoding = pair.choice.decoding
        # A decoder's own parameters say how it samples.
        how: dict[str, Any] = (
            {"temperature": 0} if decoding is None else {"extra_body": {"decoding": decoding}}
        )
        try:
            reply = await self.client.chat.completions.with_raw_response.create(
                model=self.endpoint.model,
                messages=[{"role": "user", "content": pair.question.question}],
                max_tokens=self.terms.max_tokens,
                extra_headers=self.endpoint.headers,
                **how,
            )
            seconds = reply.elapsed.total_seconds()
            return answered(pair.question, pair.choice, self.terms.concurrency, seconds, reply.text)
        except openai.APIStatusError as failure:
            is_refusal = failure.status_code < 500 and failure.status_code not in BUSY
            raise _Failed(_message_of(failure), "refused" if is_refusal else "spoilt") from None
        except openai.APIConnectionError as failure:
            cause = failure.__cause__
            raise _Failed(f"no reply: {cause!r}" if cause else str(failure), "unreached") from None
        except UnreadableReply as failure:
            raise _Failed(str(failure), "spoilt") from None


def _split(pairs: Sequence[Pair], known: set[str]) -> tuple[list[Pair], list[Pair]]:
    """The first pair of each decoder that is not known, and all others."""
    first: list[Pair] = []
    rest: list[Pair] = []
    for label, group in groupby(pairs, key=lambda pair: pair.choice.label):
        own = list(group)
        num_first = 0 if label in known else 1
        first += own[:num_first]
        rest += own[num_first:]
    return first, rest


def _message_of(failure: openai.APIStatusError) -> str:
    """The server's own words, in one line."""
    body = failure.body
    said = body.get("message") if isinstance(body, dict) else None
    text = " ".join(str(said or failure.response.text or failure.message).split())
    return f"status {failure.status_code}: {text[:MAX_SHOWN_CHARACTERS]}"
