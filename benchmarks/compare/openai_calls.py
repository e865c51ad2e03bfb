"""Self-consistency as an application writes it: so many calls at once by OpenAI's client to
`vllm serve`, voted on by the client."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import openai

from benchmarks.compare.peer import Label, Round, Run, Setting
from benchmarks.compare.served import TEMPERATURE
from evaluation.eval_set import Problem
from loadtest.reply_answers import FINISHED, last_number, majority
from loadtest.request_bodies import MAX_TOKENS, question
from measurement.server_process import Server

TIMEOUT_S = 600.0


@dataclass(frozen=True)
class OpenAICalls:
    label: Label

    def prepare(self, setting: Setting) -> Run:
        return partial(_run_round, setting, setting.server("vllm"))


def openai_calls(num_samples: int) -> OpenAICalls:
    name = f"vllm serve, {num_samples} calls by openai's client"
    return OpenAICalls(Label("vllm-calls", name, "vote", "vllm", "client votes"))


def _run_round(setting: Setting, server: Server, problems: Sequence[Problem]) -> Round:
    return asyncio.run(_vote(setting, server, problems))


async def _vote(setting: Setting, server: Server, problems: Sequence[Problem]) -> Round:
    gate = asyncio.Semaphore(setting.concurrency)
    salt = {"cache_salt": secrets.token_hex(8)}
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key="none", timeout=TIMEOUT_S, max_retries=0
    ) as client:

        async def ask(problem: Problem) -> list[Any]:  # OpenAI's completions
            messages: Any = question(problem)  # plain dicts
            async with gate:
                return await asyncio.gather(
                    *(
                        client.chat.completions.create(
                            model=server.model,
                            messages=messages,
                            temperature=TEMPERATURE,
                            max_tokens=MAX_TOKENS,
                            extra_body=salt,
                        )
                        for _ in range(setting.num_samples)
                    )
                )

        began = time.perf_counter()
        answered = await asyncio.gather(*map(ask, problems))
        wall_s = time.perf_counter() - began
    num_tokens = sum(reply.usage.completion_tokens for replies in answered for reply in replies)
    right = tuple(
        _voted(replies) == problem.gold for problem, replies in zip(problems, answered, strict=True)
    )
    return Round(len(problems), wall_s, num_tokens, right)


def _voted(replies: Sequence[Any]) -> float | None:
    choices = [reply.choices[0] for reply in replies]
    finished = [choice for choice in choices if choice.finish_reason == FINISHED]
    return majority([last_number(choice.message.content or "") for choice in finished])
