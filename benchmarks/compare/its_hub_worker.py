"""its_hub's side of `its_hub`: a round of its voting for each line of JSON on stdin.

It runs in its_hub's own environment, which has none of our packages.
"""

import asyncio
import json
import os
import re
import sys
import time
from typing import Any

import its_hub

Json = dict[str, Any]  # requests and replies


async def vote(request: Json) -> Json:
    """The texts that were voted for, and the wall time."""
    lm = its_hub.OpenAICompatibleLanguageModel(
        request["url"],
        "none",
        request["model"],
        max_tokens=request["max_tokens"],
        temperature=request["temperature"],
    )
    number = re.compile(request["number"])

    def answer(text: str) -> str | None:
        found = number.findall(text)
        return found[-1].replace(",", "") if found else None

    algorithm = getattr(its_hub, request["algorithm"])(
        consistency_space_projection_func=answer,
        orchestrator=its_hub.LMOrchestrator(max_concurrency=-1),
    )
    gate = asyncio.Semaphore(request["concurrency"])

    async def ask(question: str) -> Json:
        async with gate:
            reply: Json = await algorithm.ainfer(lm, question, request["num_samples"])
            return reply

    async with lm:
        begin = time.perf_counter()
        replies = await asyncio.gather(*map(ask, request["questions"]))
        wall_s = time.perf_counter() - begin
    return {"wall_s": wall_s, "texts": [reply["content"] or "" for reply in replies]}


def main() -> None:
    """stdout is kept for the replies; whatever the library prints goes to stderr."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1) as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        replies.write(json.dumps({"ready": True}) + "\n")
        for line in sys.stdin:
            replies.write(json.dumps(asyncio.run(vote(json.loads(line)))) + "\n")


if __name__ == "__main__":
    main()
