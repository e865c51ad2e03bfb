"""The figures of the benchmarks as tables."""

from collections.abc import Sequence
from statistics import median

from benchmarks.accuracy import Accuracy
from benchmarks.plain import Plain, Round
from benchmarks.token_work import TokenWork
from benchmarks.vote_pairs import Side, VotePair
from benchmarks.votes import VoteFigure
from measurement.statistics import Ratio
from measurement.tables import format_table

MIN_PLAIN_THROUGHPUT = 0.97


def accuracy_table(figures: Sequence[Accuracy]) -> str:
    rows = [
        (
            f"{figure.setting}: {figure.method}",
            str(figure.share.num_total),
            f"{100 * figure.share.value:.1f} %",
            f"{100 * figure.share.low:.1f}–{100 * figure.share.high:.1f}",
            f"{figure.mean_tokens:.1f}",
            f"{figure.questions_per_s:.1f}",
        )
        for figure in figures
    ]
    return format_table(
        ("setting: method", "n", "right", "95 % interval", "mean tokens", "questions/s"), rows
    )


def votes_table(figures: Sequence[VoteFigure]) -> str:
    rows = [
        (
            f"{figure.split}: {figure.method}",
            str(figure.share.num_total),
            f"{100 * figure.share.value:.1f} %",
            f"{100 * figure.share.low:.1f}–{100 * figure.share.high:.1f}",
            f"{figure.mean_tokens:.0f}",
            f"{figure.p50_ms:.0f}",
            f"{figure.questions_per_s:.1f}",
        )
        for figure in figures
    ]
    header = (
        "split: method",
        "n",
        "right",
        "95 % interval",
        "mean tokens",
        "p50 ms",
        "questions/s",
    )
    return format_table(header, rows)


def vote_pair_table(pair: VotePair) -> str:
    rows = [
        (*_work_cells(side.name, side.rounds), f"{100 * _share_right(side):.1f} %", *ratios)
        for side, ratios in (
            (pair.ours, (_spread(pair.tokens), _spread(pair.wall))),
            (pair.peer, ("1", "1")),
        )
    ]
    return format_table((*WORK_HEADER, "right", "tokens saved ×", "wall time saved ×"), rows)


def _share_right(side: Side) -> float:
    return side.num_right / sum(one.num_questions for one in side.rounds)


def plain_table(figures: Sequence[Plain]) -> str:
    rows = []
    for figure in figures:
        winnow, vllm = figure.rounds["winnow"], figure.rounds["vllm"]
        rows.append(
            (
                f"{figure.concurrency}",
                f"{len(winnow)} × {figure.num_requests}",
                f"{median(one.requests_per_s for one in winnow):.1f}",
                f"{median(one.requests_per_s for one in vllm):.1f}",
                f"{figure.throughput.of_medians:.3f}",
                _spread(figure.throughput),
                _cpu_ms(winnow),
                _cpu_ms(vllm),
                f"{figure.cpu.median:.3f}" if figure.cpu else "–",
                _spread(figure.control) if figure.control else "–",
            )
        )
    header = (
        "concurrency",
        "rounds × requests",
        "winnow req/s",
        "vllm req/s",
        f"ratio (≥ {MIN_PLAIN_THROUGHPUT})",
        "by pairs",
        "winnow CPU ms/req",
        "vllm CPU ms/req",
        "CPU ratio",
        "control by pairs",
    )
    return format_table(header, rows)


WORK_HEADER = ("side", "rounds × questions", "median wall s", "tokens", "tokens/s", "questions/s")


def _work_cells(name: str, rounds: Sequence[TokenWork]) -> tuple[str, ...]:
    return (
        name,
        f"{len(rounds)} × {rounds[0].num_questions}",
        f"{median(one.wall_s for one in rounds):.2f}",
        str(sum(one.num_tokens for one in rounds)),
        f"{median(one.tokens_per_s for one in rounds):.0f}",
        f"{median(one.questions_per_s for one in rounds):.1f}",
    )


def _spread(ratio: Ratio) -> str:
    return f"{ratio.median:.3f} ({ratio.low:.3f}–{ratio.high:.3f})"


def _cpu_ms(rounds: Sequence[Round]) -> str:
    spent = [one.cpu_ms for one in rounds if one.cpu_ms is not None]
    return f"{median(spent):.2f}" if spent else "–"
