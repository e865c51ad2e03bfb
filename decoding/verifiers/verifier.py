"""What scores a reply, for `best_of_n`; a user's own come in by the entry-point group
`winnow.verifiers`, each a callable without arguments that gives a `Verifier`."""

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from decoding.engine import Engine, OutOfTime, PathAborted
from decoding.most import MostTokens, Room

logger = logging.getLogger(__name__)

Unscored = Literal["no_verdict", "timed_out", "failed"]
"""Why a reply has no score: the verifier gave none, took too long, or raised."""

DEFAULT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A reply that is to be scored, its extracted answer, and the question that it answers.

    The question is None where the client sent no text; a verifier that cannot do without says
    so by `needs_question`, and such requests are refused.
    """

    question: str | None
    text: str
    answer: str | None


class Verifier(Protocol):
    """Scores replies; more is better. Derive from it, or give all attributes."""

    needs_question: bool = False

    def most_tokens(self, room: Room) -> MostTokens:
        """The most that it may have the model read and generate for one reply, for the budget of
        the request's key; `room` is the request's own."""
        return MostTokens()

    async def score(self, claim: Claim, engine: Engine) -> float | None:
        """None where there is nothing to judge. What it raises leaves the reply unscored.

        `engine` is the model that replied, for verifiers that ask it.
        """
        ...


@dataclass(frozen=True)
class Verifiers:
    """The verifiers that requests may name, and how long one may take, in seconds.

    `not_set_up` says of those that are installed and not ready for use what they lack.
    """

    by_name: Mapping[str, Verifier] = field(default_factory=dict)
    timeout_s: float = DEFAULT_TIMEOUT_S
    not_set_up: Mapping[str, str] = field(default_factory=dict)


async def judge(
    verifier: Verifier, claim: Claim, engine: Engine, timeout_s: float
) -> float | Unscored:
    """The verifier's score, or why there is none; it has no longer than the request itself.

    Raises:
        PathAborted: the engine stopped while the verifier asked it.
    """
    try:
        async with asyncio.timeout(min(timeout_s, engine.seconds_left)):
            given = await verifier.score(claim, engine)
        score = math.nan if given is None else float(given)
    except PathAborted:
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise  # the request was cancelled, and not something that the verifier waited for
        return "failed"
    except (TimeoutError, OutOfTime):
        return "timed_out"
    except Exception:  # whatever a user's verifier raises is told, and ends no request
        logger.exception("verifier %s failed", type(verifier).__name__)
        return "failed"
    return score if math.isfinite(score) else "no_verdict"
