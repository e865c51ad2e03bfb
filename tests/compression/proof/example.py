"""A proof whose every figure is made up, for what is read, written, told and drawn of one."""

from dataclasses import replace

from compression.proof.figures import (
    Change,
    CheckpointFigures,
    Fidelity,
    Machine,
    Proof,
    Share,
    SpeedFigures,
    Spread,
    TaskFigures,
    TextFigures,
)
from compression.proof.statistics import compare_paired


def task(decoder: str, num_lost: int, num_won: int, num_both: int = 50) -> TaskFigures:
    """Of 100 questions: `num_both` are right on both sides, the others on one side or none."""
    num_wrong = 100 - num_both - num_lost - num_won
    original = [True] * (num_both + num_lost) + [False] * (num_won + num_wrong)
    compressed = [True] * num_both + [False] * num_lost + [True] * num_won + [False] * num_wrong
    change: Change = compare_paired(original, compressed)
    return TaskFigures(decoder, share(sum(original)), share(sum(compressed)), change, 30.0, 31.5)


def share(num_right: int) -> Share:
    value = num_right / 100
    return Share(num_right, 100, value, max(0.0, value - 0.1), min(1.0, value + 0.1))


def speed(batch_size: int, original: float, compressed: float) -> SpeedFigures:
    ratio = compressed / original
    return SpeedFigures(
        "decode",
        batch_size,
        7,
        Spread(original, 0.9 * original, 1.1 * original),
        Spread(compressed, 0.9 * compressed, 1.1 * compressed),
        Spread(ratio, 0.9 * ratio, 1.1 * ratio),
        Spread(1.0, 0.95, 1.05),
    )


PROOF = Proof(
    original=CheckpointFigures("plain", 2_000_000, 1_900_000, 3.0),
    compressed=CheckpointFigures("plain-w8a8", 1_000_000, 950_000, 2.5),
    memory_measure="freed",
    speeds=(speed(1, 100.0, 132.0), speed(16, 700.0, 910.0)),
    text=TextFigures("text.jsonl", 10, 500, 500, 2.0, 2.1, Fidelity(64, 0.0021, 0.02, 0.99, 0.987)),
    dataset="pocket held_out_numbers",
    tasks=(task("greedy", 2, 3), task("cot_decoding", 9, 5)),
    notes=(),
    machine=Machine("2026-01-01T00:00:00+00:00", "a processor", 2, (0.5, 1.5), {"torch": "2.13.0"}),
)

UNMEASURED = replace(PROOF, text=None, tasks=(), dataset=None, notes=("no text", "no questions"))
