"""What the rounds say: Winnow's ratios to its peers, and which targets they meet."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.compare.floor import choose_floor
from benchmarks.compare.peer import Round
from benchmarks.compare.rounds import Result
from benchmarks.compare.sides import FLOOR, Pair
from measurement.statistics import PairedDifference, Ratio, compare_paired, paired_ratio


@dataclass(frozen=True)
class Verdict:
    """`peer` is the name of the peer. `accuracy` is Winnow's less the peer's on the same questions.
    `is_met` is None where no target is claimed; a target that needs equal accuracy is missed where
    Winnow's is lower by more than noise."""

    ours: str
    peer: str
    pair: Pair
    ratio: Ratio
    accuracy: PairedDifference | None
    is_met: bool | None


def judge(pairs: Sequence[Pair], results: Sequence[Result]) -> list[Verdict]:
    """One verdict for each pair both of whose sides ran all their rounds."""
    complete = {
        result.label.key: result for result in results if result.rounds and result.failure is None
    }
    verdicts = []
    for pair in pairs:
        ours = complete.get(pair.ours)
        peer = complete.get(_peer_key(pair, list(complete.values())))
        if ours is not None and peer is not None:
            verdicts.append(_judge(pair, ours, peer))
    return verdicts


def _peer_key(pair: Pair, results: Sequence[Result]) -> str:
    if pair.peer != FLOOR:
        return pair.peer
    task = next((one.label.task for one in results if one.label.key == pair.ours), None)
    floor = choose_floor([(one.label, one.rounds) for one in results if one.label.task == task])
    return floor.key if floor else ""


def _judge(pair: Pair, ours: Result, peer: Result) -> Verdict:
    ratio = paired_ratio(
        *([_figure(pair, round_) for round_ in side.rounds] for side in (ours, peer))
    )
    accuracy = compare_answers(ours.rounds, peer.rounds)
    is_met = pair.is_met(ratio.median)
    if is_met and pair.needs_accuracy:
        is_met = accuracy is not None and accuracy.high >= 0
    return Verdict(ours.label.name, peer.label.name, pair, ratio, accuracy, is_met)


def _figure(pair: Pair, round_: Round) -> float:
    return round_.wall_s if pair.measure == "wall time" else round_.questions_per_s


def compare_answers(ours: Sequence[Round], peers: Sequence[Round]) -> PairedDifference | None:
    """Compare answers to questions that both were asked; None if one of them selects nothing."""
    both = [
        pair
        for a, b in zip(ours, peers, strict=True)
        for pair in zip(a.right or (), b.right or (), strict=False)  # slow peers: the first ones
    ]
    if not both:
        return None
    only_ours = sum(a and not b for a, b in both)
    only_peer = sum(b and not a for a, b in both)
    return compare_paired(only_ours, only_peer, len(both))
