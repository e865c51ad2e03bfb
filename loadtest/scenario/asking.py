"""Requests made of questions and ways of asking, sent, and judged."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from evaluation.questions import Question
from evaluation.replies import NotWinnow
from evaluation.scoring import Grader, make_grader
from evaluation.target import Endpoint
from loadtest.scenario.exchange import Exchange, Reply, UnreadableReply, read, send
from loadtest.scenario.record import Record
from loadtest.scenario.scenario import Call, Scenario

Json = dict[str, Any]  # bodies


@dataclass(frozen=True)
class Asked:
    """One request to come. `cycle` says how often its question was asked by its call before."""

    number: int
    call: Call
    question: Question
    cycle: int


def draw(calls: Sequence[Call], questions: Sequence[Question], seed: int) -> Iterator[Asked]:
    """Draw requests without end.

    Each call goes through the questions in their order, so that all are asked the same. The next
    call is drawn by the weights, the same for the same seed.
    """
    choose = random.Random(seed)
    weights = [call.weight for call in calls]
    turns: Counter[str] = Counter()
    number = 0
    while True:
        (call,) = choose.choices(calls, weights)
        cycle, place = divmod(turns[call.name], len(questions))
        turns[call.name] += 1
        yield Asked(number, call, questions[place], cycle)
        number += 1


class Asker:
    """Sends requests of a scenario, and reads and judges what comes back."""

    def __init__(
        self, scenario: Scenario, endpoint: Endpoint, answer: Any, session: aiohttp.ClientSession
    ) -> None:
        """`answer` is the kind of answer of the questions."""
        self._scenario = scenario
        self._endpoint = endpoint
        self._session = session
        self._answer = answer
        self._graders: dict[str, Grader] = {
            call.name: make_grader((call.decoding or {}).get("answer", answer))
            for call in scenario.mix
        }

    async def ask(self, asked: Asked, stage: int, arrival: float, arrival_s: float) -> Record:
        """`arrival` is its time by `time.perf_counter`, `arrival_s` since the stage began."""
        payload = json.dumps(self._body(asked, stage)).encode()
        late_s = max(0.0, time.perf_counter() - arrival)
        url = f"{self._endpoint.base_url}/chat/completions"
        exchange = await send(self._session, url, payload, self._scenario.timeout_s)
        return self._judge(asked, exchange, stage, arrival_s, late_s)

    def _body(self, asked: Asked, stage: int) -> Json:
        scenario = self._scenario
        body: Json = {
            "model": self._endpoint.model,
            "messages": [{"role": "user", "content": asked.question.question}],
            "max_tokens": scenario.max_tokens,
            **asked.call.fields(self._answer),
        }
        if scenario.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if not scenario.reuse_prefixes:
            body.setdefault(
                "cache_salt", f"{scenario.seed}-{stage}-{asked.call.name}-{asked.cycle}"
            )
        return body

    def _judge(
        self, asked: Asked, exchange: Exchange, stage: int, arrival_s: float, late_s: float
    ) -> Record:
        fields: Json = {
            "stage": stage,
            "number": asked.number,
            "call": asked.call.name,
            "question": asked.question.id,
            "arrival_s": arrival_s,
            "late_ms": 1000 * late_s,
            "latency_ms": 1000 * (late_s + exchange.end_s),
            "status": exchange.status,
        }
        try:
            reply = read(exchange, is_streamed=self._scenario.stream)
            fields |= self._reading(asked, reply, late_s)
        except UnreadableReply as failure:
            fields["error"] = str(failure)
        return Record(**fields)

    def _reading(self, asked: Asked, reply: Reply, late_s: float) -> Json:
        """The fields that a reply gives."""
        grader = self._graders[asked.call.name]
        report = reply.report
        if asked.call.decoding is None:
            answer, num_candidates = grader.read(reply.text), 1
            num_winner_tokens = reply.usage.get("completion_tokens")
        elif report is None:
            raise NotWinnow(
                f"mix.{asked.call.name}: a decoder was asked for and the reply has no `decoding` "
                "report: the server is not Winnow"
            )
        else:
            try:
                candidates = report["candidates"]
                answer, num_candidates = report["answer"], len(candidates)
                num_winner_tokens = candidates[report["selected"]]["num_tokens"]
            except (KeyError, IndexError, TypeError) as failure:
                raise UnreadableReply(f"no report: {failure!r}") from None
        return {
            "ttft_ms": None if reply.first_text_s is None else 1000 * (late_s + reply.first_text_s),
            "finish_reason": reply.finish_reason,
            "answer": answer,
            "is_right": grader.is_right(answer, asked.question.gold),
            "num_prompt_tokens": reply.usage.get("prompt_tokens"),
            "num_tokens": reply.usage.get("completion_tokens"),
            "num_winner_tokens": num_winner_tokens,
            "num_candidates": num_candidates,
            "confidence": report and report.get("confidence"),
            "fallback": report and report.get("fallback"),
            "timed_out": bool(report and report.get("timed_out")),
        }


def is_unreached(record: Record) -> bool:
    """Whether nothing at all came back."""
    return record.error is not None and record.status is None


def is_refused(record: Record) -> bool:
    """Whether the request itself was at fault, so that its like will be refused, too."""
    busy = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
    return record.status is not None and 400 <= record.status < 500 and record.status not in busy
