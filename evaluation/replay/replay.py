"""A decoder over recorded samples: its own code, no model, no server.

The one part of this package that imports decoders: what is replayed must be what is served.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Literal

from decoding.answers import normalize_answer
from decoding.decoders.majority_vote import MajorityVote
from decoding.recorded_engine import RecordedEngine, RecordedSample
from decoding.report import Report
from evaluation.replay.recordings import Recording, Sample, UnreadableRecording
from measurement.statistics import Z_95, Share, wilson_share

CURVE = (2, 3, 5, 8, 10, 15, 20, 30, 40, 64, 100, 200)
NEEDS: dict[str, Literal["logprob", "confidence"]] = {
    "probability": "logprob",
    "confidence": "confidence",
}


@dataclass(frozen=True)
class Mean:
    """A mean with its 95 % interval, by the normal approximation."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Replay:
    """What came of one decoder over all recordings.

    `num_used` is the mean of samples counted before the vote was decided. `tokens_saved` is the
    share, 0..1, of the text (in words) of samples that were not; a sample that would have been
    aborted on its way counts as saved whole.
    """

    parameters: dict[str, Any]  # the decoder's
    accuracy: Share
    num_used: Mean
    tokens_saved: Mean


@dataclass(frozen=True)
class Point:
    """A full vote over the first `num_samples` of each recording."""

    num_samples: int
    accuracy: Share


async def replay(decoder: MajorityVote, recordings: Sequence[Recording]) -> Replay:
    """Run over every recording; one with fewer samples than the decoder draws gives what it has.

    Raises:
        UnreadableRecording: the decoder's weight needs what a sample does not carry.
    """
    right, used, saved = 0, [], []
    for recording in recordings:
        report, num_used = await _decide(decoder, recording)
        right += _is_right(report, recording, decoder)
        used.append(float(num_used))
        saved.append(_share_saved(recording.samples[: decoder.num_samples], num_used))
    return Replay(
        parameters={"strategy": decoder.strategy, **decoder.parameters()},
        accuracy=wilson_share(right, len(recordings)),
        num_used=mean_of(used),
        tokens_saved=mean_of(saved),
    )


async def accuracy_curve(decoder: MajorityVote, recordings: Sequence[Recording]) -> list[Point]:
    """The full vote over more and more samples, up to as many as the decoder draws."""
    sizes = [size for size in CURVE if size < decoder.num_samples] + [decoder.num_samples]
    return [
        Point(size, (await replay(_full_vote(decoder, size), recordings)).accuracy)
        for size in sizes
    ]


def mean_of(values: Sequence[float]) -> Mean:
    mean = fmean(values)
    spread = Z_95 * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Mean(mean, mean - spread, mean + spread)


def _full_vote(decoder: MajorityVote, num_samples: int) -> MajorityVote:
    fields = {"num_samples": num_samples, "weight": decoder.weight, "answer": decoder.answer}
    return MajorityVote.model_validate({**fields, "stop": "none"})


async def _decide(decoder: MajorityVote, recording: Recording) -> tuple[Report, int]:
    samples = recording.samples[: decoder.num_samples]
    engine = RecordedEngine([_as_recorded(s, decoder, recording) for s in samples])
    # A ready answer is the whole text of its sample.
    changes: dict[str, object] = {"answer": "text"} if has_ready_answers(recording) else {}
    if len(samples) < decoder.num_samples:
        changes["num_samples"] = len(samples)
    run = decoder.model_copy(update=changes)
    report = (await run.run(engine, engine.prompt, lambda event: None)).report
    return report, report.stopped.num_used if report.stopped else len(samples)


def has_ready_answers(recording: Recording) -> bool:
    return any(sample.answer is not None for sample in recording.samples)


def _as_recorded(sample: Sample, decoder: MajorityVote, recording: Recording) -> RecordedSample:
    needed = NEEDS.get(decoder.weight)
    if needed is not None and getattr(sample, needed) is None:
        raise UnreadableRecording(
            f"{recording.id}: weight {decoder.weight!r} needs a {needed!r} in every sample"
        )
    text = (sample.answer or "") if has_ready_answers(recording) else sample.text
    return RecordedSample(text, sample.logprob, sample.confidence)


def _is_right(report: Report, recording: Recording, decoder: MajorityVote) -> bool:
    if report.answer is None or report.fallback is not None:
        return False
    kind = "text" if has_ready_answers(recording) else decoder.answer
    return report.answer in {normalize_answer(gold, kind) for gold in recording.gold}


def _share_saved(samples: Sequence[Sample], num_used: int) -> float:
    sizes = [max(1, len(sample.text.split())) for sample in samples]
    return 1 - sum(sizes[:num_used]) / sum(sizes)
