"""The comparison as tables for people."""

from collections.abc import Sequence
from statistics import median

from benchmarks.compare.floor import choose_floor
from benchmarks.compare.peer import Round
from benchmarks.compare.rounds import Result
from benchmarks.compare.sides import MAX_START_UP
from benchmarks.compare.start_up import StartUp
from benchmarks.compare.verdicts import Verdict
from measurement.statistics import Ratio, wilson_share
from measurement.tables import format_table

SIDES_HEADER = (
    "side",
    "rounds × questions",
    "right (95 % interval)",
    "questions/s",
    "right answers/s",
    "tokens/question",
    "notes",
)
RATIOS_HEADER = ("Winnow to its peer", "of", "by pairs", "accuracy", "target", "met")
NONE = "–"


def sides_table(results: Sequence[Result]) -> str:
    """A row for each side; a peer that did not run is a row that says why."""
    floor = choose_floor([(result.label, result.rounds) for result in results])
    failed = [result for result in results if result.failure is not None]
    rows = [
        _side_cells(result, is_floor=floor == result.label)
        for result in results
        if result.failure is None
    ]
    lines = [format_table(SIDES_HEADER, rows)] if rows else []
    return "\n".join(
        [*lines, *(f"{one.label.name}: cannot run here: {one.failure}" for one in failed)]
    )


def _side_cells(result: Result, *, is_floor: bool) -> tuple[str, ...]:
    rounds = result.rounds
    notes = [
        *(["THE FLOOR"] if is_floor else []),
        *([result.label.notes] * bool(result.label.notes)),
    ]
    return (
        result.label.name,
        f"{len(rounds)} × {rounds[0].num_questions}",
        _share(rounds),
        _spread([one.questions_per_s for one in rounds]),
        _right_per_s(rounds),
        _tokens(rounds),
        ", ".join(notes) or NONE,
    )


def _share(rounds: Sequence[Round]) -> str:
    right = [is_right for one in rounds for is_right in one.right or ()]
    if not right:
        return NONE
    share = wilson_share(sum(right), len(right))
    return f"{100 * share.value:.1f} % ({100 * share.low:.1f}–{100 * share.high:.1f})"


def _right_per_s(rounds: Sequence[Round]) -> str:
    speeds = [sum(one.right) / one.wall_s for one in rounds if one.right is not None]
    return _spread(speeds) if speeds else NONE


def _tokens(rounds: Sequence[Round]) -> str:
    counts = [one.num_tokens for one in rounds if one.num_tokens is not None]
    if len(counts) < len(rounds):
        return NONE
    return f"{sum(counts) / sum(one.num_questions for one in rounds):.1f}"


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def ratios_table(verdicts: Sequence[Verdict], start_up: StartUp | None) -> str:
    rows = [_ratio_cells(verdict) for verdict in verdicts]
    if start_up is not None:
        is_met = start_up.ratio.median <= MAX_START_UP
        rows.append(
            (
                "winnow serve : vllm serve",
                *("seconds until ready", _ratio(start_up.ratio), NONE),
                *(f"≤ {MAX_START_UP:.2f}", _met(is_met)),
            )
        )
    return format_table(RATIOS_HEADER, rows)


def _ratio_cells(verdict: Verdict) -> tuple[str, ...]:
    pair, accuracy = verdict.pair, verdict.accuracy
    sign = "≤" if pair.measure == "wall time" else "≥"
    difference = NONE
    if accuracy is not None:
        low, value, high = (100 * part for part in (accuracy.low, accuracy.value, accuracy.high))
        difference = f"{value:+.1f} ({low:+.1f} to {high:+.1f}) points"
    return (
        f"{verdict.ours} : {verdict.peer}",
        pair.measure,
        _ratio(verdict.ratio),
        difference,
        NONE if pair.bound is None else f"{sign} {pair.bound:.2f}",
        _met(verdict.is_met),
    )


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.median:.3f} ({ratio.low:.3f}–{ratio.high:.3f})"


def _met(is_met: bool | None) -> str:
    return {None: NONE, True: "yes", False: "NO"}[is_met]


def start_up_table(start_up: StartUp) -> str:
    sides = {"winnow serve": start_up.winnow_s, "vllm serve": start_up.vllm_s}
    rows = [(name, str(len(taken)), _spread(taken)) for name, taken in sides.items()]
    return format_table(("start-up", "starts", "seconds until ready"), rows)
