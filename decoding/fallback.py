"""The reply where no sample could be selected."""

import math
from collections.abc import Sequence

from decoding.concurrency import run_together
from decoding.engine import Engine, OutOfTime, Prompt
from decoding.sample import Sample, Selection


async def fall_back(
    engine: Engine, prompt: Prompt, samples: Sequence[Sample], reason: str
) -> Selection:
    """The sample of largest length-normalised probability, the first of equals; an empty one, which
    may be very likely, only where all are.

    Samples that were drawn without log-probabilities, which cost every step of every sample, are
    scored here, where they are needed. One for which the time does not suffice comes last.

    Raises:
        OutOfTime: the deadline cut all of them off.
    """
    ended = [sample for sample in samples if not sample.is_timed_out]
    if not ended:
        raise OutOfTime
    able = [sample for sample in ended if sample.dropped != "empty"] or ended
    scores = await run_together(_mean_logprob(engine, prompt, sample) for sample in able)
    winner = able[max(range(len(able)), key=scores.__getitem__)]
    return Selection(winner, None, reason)


async def _mean_logprob(engine: Engine, prompt: Prompt, sample: Sample) -> float:
    path = sample.path
    if path.logprobs:
        return path.mean_logprob
    try:
        logprobs = await engine.score(prompt.token_ids, path.token_ids, sample.model)
    except OutOfTime:
        return -math.inf
    return sum(logprobs) / len(logprobs) if logprobs else -math.inf
