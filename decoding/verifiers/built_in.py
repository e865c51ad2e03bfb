"""The verifiers that come with Winnow, but for the one that asks over HTTP."""

import math
from collections.abc import Mapping

from decoding.aside import ask_aside
from decoding.engine import Engine, OutOfTime
from decoding.most import MostTokens, Room
from decoding.verifiers.equations import check_equations
from decoding.verifiers.verifier import Claim, Verifier

NUM_JUDGED_LOGPROBS = 20
JUDGE = """\
Question: {question}

Proposed solution: {reply}

Is the proposed solution correct? Answer with one word, yes or no."""


class Equations(Verifier):
    """The share of the reply's stated equations that hold; None where it states none."""

    async def score(self, claim: Claim, engine: Engine) -> float | None:
        return check_equations(claim.text).share_right


class SelfJudge(Verifier):
    """The model's own P(yes) against P(no) when asked whether the reply is correct (Kadavath et
    al. 2022, arXiv 2207.05221, P(True)); None where neither is among its 20 likeliest tokens."""

    needs_question = True

    def most_tokens(self, room: Room) -> MostTokens:
        return MostTokens(room.with_text(JUDGE, room.max_tokens), 1)

    async def score(self, claim: Claim, engine: Engine) -> float | None:
        asked = JUDGE.format(question=claim.question, reply=claim.text)
        verdict = await ask_aside(engine, asked, 1, num_logprobs=NUM_JUDGED_LOGPROBS)
        if verdict is None:
            return None
        if verdict.is_timed_out:
            raise OutOfTime
        chances = {"yes": 0.0, "no": 0.0}
        for token_id, logprob in verdict.ranked[0]:
            word = engine.decode((token_id,)).text.strip().casefold()
            if word in chances:
                chances[word] += math.exp(logprob)
        total = sum(chances.values())
        return chances["yes"] / total if total > 0 else None


def built_in_verifiers() -> Mapping[str, Verifier]:
    return {"equations": Equations(), "self_judge": SelfJudge()}
