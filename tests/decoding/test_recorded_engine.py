import asyncio
import math

import pytest

from decoding.decoder import Outcome
from decoding.decoders.majority_vote import MajorityVote
from decoding.recorded_engine import RecordedEngine, RecordedSample


def vote(decoder: MajorityVote, *samples: RecordedSample) -> Outcome:
    engine = RecordedEngine(samples)
    return asyncio.run(decoder.run(engine, engine.prompt, lambda event: None))


def test_samples_come_in_the_order_of_the_recording() -> None:
    samples = [RecordedSample(f"So the answer is {n}.") for n in (7, 8, 8)]
    outcome = vote(MajorityVote(num_samples=3, return_texts=True), *samples)
    assert [c.text for c in outcome.report.candidates] == [s.text for s in samples]
    assert outcome.winner.text == "So the answer is 8."


def test_recorded_log_probability_is_the_paths() -> None:
    """exp(-0.5) = 0.61 for 7 against exp(-1) = 0.37 for 8."""
    decoder = MajorityVote(num_samples=2, weight="probability")
    report = vote(decoder, RecordedSample("8", -1.0), RecordedSample("7", -0.5)).report
    assert [c.weight for c in report.candidates] == pytest.approx([math.exp(-1), math.exp(-0.5)])
    assert report.answer == "7"


@pytest.mark.parametrize("confidence", [0.0, 0.25, 1.0])
def test_recorded_confidence_is_the_paths_delta(confidence: float) -> None:
    decoder = MajorityVote(num_samples=2, weight="confidence")
    sample = RecordedSample("It is 8", confidence=confidence)
    report = vote(decoder, sample, sample).report
    assert [c.confidence for c in report.candidates] == pytest.approx([confidence] * 2)


def test_more_samples_than_were_recorded_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="only 1 samples were recorded"):
        vote(MajorityVote(num_samples=2), RecordedSample("8"))
