"""A summary for people: two tables and two figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.summary import DecoderFigures, PairFigures, Summary
from measurement.plots import MARKERS, new_figure
from measurement.statistics import Share
from measurement.tables import format_table

ACCURACY, RELIABILITY = "accuracy.png", "reliability.png"
TOKEN_TICKS = [step * 10**power for power in range(7) for step in (1, 2, 5)]
NOTHING = "–"
DECODER_HEADER = (
    *("decoder", "n", "right", "95 % interval", "tokens", "tokens a right answer"),
    *("p50 s", "p95 s", "no answer", "fallbacks", "errors"),
)
PAIR_HEADER = (
    *("A against B, same questions", "n", "A − B, points", "95 % interval"),
    *("only A right", "only B right", "McNemar p"),
)


def render_tables(summary: Summary) -> str:
    tables = [format_table(DECODER_HEADER, [_decoder_row(one) for one in summary.decoders])]
    if summary.pairs:
        tables.append(format_table(PAIR_HEADER, [_pair_row(one) for one in summary.pairs]))
    return "\n\n".join(tables)


def _decoder_row(one: DecoderFigures) -> tuple[str, ...]:
    share = one.share
    return (
        one.decoder,
        str(one.num_answered),
        f"{100 * share.value:.1f} %" if share else NOTHING,
        f"{100 * share.low:.1f}–{100 * share.high:.1f}" if share else NOTHING,
        _number(one.mean_tokens, 0),
        _number(one.tokens_per_right_answer, 0),
        _number(one.p50_s, 2),
        _number(one.p95_s, 2),
        NOTHING if one.share_without_answer is None else f"{100 * one.share_without_answer:.1f} %",
        str(one.num_fallbacks),
        str(one.num_errors),
    )


def _pair_row(one: PairFigures) -> tuple[str, ...]:
    difference = one.difference
    p_value = difference.p_value
    return (
        f"{one.a} against {one.b}",
        str(difference.num_total),
        f"{100 * difference.value:+.1f}",
        f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}",
        str(difference.num_only_a),
        str(difference.num_only_b),
        f"{p_value:.4f}" if p_value >= 0.0001 else f"{p_value:.0e}",
    )


def _number(value: float | None, num_digits: int) -> str:
    return NOTHING if value is None else f"{value:.{num_digits}f}"


def draw_figures(folder: Path, title: str, decoders: Sequence[DecoderFigures]) -> list[Path]:
    """The pictures that were drawn: those of which something was measured.

    Raises:
        NoPlots: matplotlib is not installed.
    """
    drawn = []
    if any(one.share and one.mean_tokens for one in decoders):
        drawn.append(folder / ACCURACY)
        _draw_accuracy(drawn[-1], title, decoders)
    if any(one.reliability for one in decoders):
        drawn.append(folder / RELIABILITY)
        _draw_reliability(drawn[-1], title, decoders)
    return drawn


def _draw_accuracy(path: Path, title: str, decoders: Sequence[DecoderFigures]) -> None:
    figure, (axes,) = new_figure(path)
    costs = []
    for number, one in enumerate(decoders):
        if one.share is not None and one.mean_tokens:
            costs.append(one.mean_tokens)
            axes.errorbar([one.mean_tokens], *_points([one.share]), **_style(number, one.decoder))
    axes.set_title(title)
    axes.set_xlabel("generated tokens a question")
    axes.set_ylabel("right, % (95 % interval)")
    axes.set_xscale("log", subs=())
    low, high = min(costs) / 2, max(costs) * 2
    ticks = [tick for tick in TOKEN_TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xlim(low, high)
    axes.set_ylim(-2, 102)
    _finish(figure, axes, path)


def _draw_reliability(path: Path, title: str, decoders: Sequence[DecoderFigures]) -> None:
    figure, (axes,) = new_figure(path)
    axes.plot([0, 100], [0, 100], color="grey", linewidth=0.8, label="as right as sure")
    for number, one in enumerate(decoders):
        sure = [100 * one_bin.mean_confidence for one_bin in one.reliability]
        if sure:
            shares = [one_bin.share for one_bin in one.reliability]
            style = _style(number, one.decoder) | {"linestyle": "-", "linewidth": 1}
            axes.errorbar(sure, *_points(shares), **style)
    axes.set_title(title)
    axes.set_xlabel("confidence, or agreement where none is measured, %")
    axes.set_ylabel("right, % (95 % interval)")
    axes.set_xlim(-2, 102)
    axes.set_ylim(-2, 102)
    _finish(figure, axes, path)


def _points(shares: Sequence[Share]) -> tuple[list[float], list[list[float]]]:
    """Percentages, and how far their intervals reach below and above."""
    below = [100 * max(0.0, share.value - share.low) for share in shares]
    above = [100 * max(0.0, share.high - share.value) for share in shares]
    return [100 * share.value for share in shares], [below, above]


def _style(number: int, label: str) -> dict[str, Any]:  # matplotlib's keyword arguments
    marker = MARKERS[number % len(MARKERS)]
    return {
        "marker": marker, "linestyle": "none", "capsize": 2, "label": label,
        "color": f"C{number % 10}",
    }  # fmt: skip


def _finish(figure: Any, axes: Any, path: Path) -> None:  # matplotlib's own
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", fontsize="small")
    figure.savefig(path)
