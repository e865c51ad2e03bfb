"""The reply where no sample could be selected."""

import math
from collections.abc import Sequence

from decoding.ballot import Ballot, Elected
from decoding.concurrency import run_together
from decoding.engine import Engine, OutOfTime, Prompt


async def fall_back(
    engine: Engine, prompt: Prompt, ballots: Sequence[Ballot], reason: str
) -> Elected:
    """The sample of largest length-normalised probability, the first of equals; an empty one, which
    may be very likely, only where all are.

    Samples that were drawn without log-probabilities, which cost every step of every sample, are
    scored here, where they are needed. One for which the time does not suffice comes last.

    Raises:
        OutOfTime: the deadline cut all of them off.
    """
    ended = [ballot for ballot in ballots if not ballot.is_timed_out]
    if not ended:
        raise OutOfTime
    able = [ballot for ballot in ended if ballot.dropped != "empty"] or ended
    scores = await run_together(_mean_logprob(engine, prompt, ballot) for ballot in able)
    winner = able[max(range(len(able)), key=scores.__getitem__)]
    return Elected(winner, None, reason)


async def _mean_logprob(engine: Engine, prompt: Prompt, ballot: Ballot) -> float:
    path = ballot.path
    if path.logprobs:
        return path.mean_logprob
    try:
        logprobs = await engine.score(prompt.token_ids, path.token_ids, ballot.model)
    except OutOfTime:
        return -math.inf
    return sum(logprobs) / len(logprobs) if logprobs else -math.inf
