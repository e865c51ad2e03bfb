"""A report as one HTML page without anything outside it: a table, and plots as SVG in it."""

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from server.replies.log import Source
from server.replies.summary import JudgedReply, Summary, accuracy_by_day, group

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{padding:.3rem .7rem;border-bottom:1px solid #ddd;"
    "text-align:right}td:first-child,th:first-child{text-align:left}"
    "figure{display:inline-block;margin:1rem 1rem 0 0}"
)
ONE_DAY = timedelta(days=1)
SIZE_INCHES = (5.4, 3.6)
Draw = Callable[[Any], None]  # on matplotlib's axes


class NoPlots(Exception):
    """matplotlib is not installed."""


def render_page(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    summaries: Sequence[Summary],
    replies: Sequence[JudgedReply],
) -> str:
    """Return the report as an HTML page.

    Raises:
        NoPlots: matplotlib is not installed.
    """
    plots: tuple[tuple[str, Draw], ...] = (
        ("Right answers against tokens", lambda axes: _draw_pareto(axes, summaries)),
        ("Reliability", lambda axes: _draw_reliability(axes, summaries)),
        ("Right answers by day", lambda axes: _draw_days(axes, replies)),
        ("Latency", lambda axes: _draw_latency(axes, summaries)),
    )
    figures = "".join(f"<figure>{_svg(title, draw)}</figure>" for title, draw in plots)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Winnow report</title>"
        f"<style>{STYLE}</style><h1>Winnow report</h1>{_table(header, rows)}{figures}</html>\n"
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _svg(title: str, draw: Draw) -> str:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NoPlots("plots need matplotlib: pip install 'winnow[plots]'") from None
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    axes.grid(alpha=0.3)
    draw(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    out = io.StringIO()
    figure.savefig(out, format="svg")
    return out.getvalue()[out.getvalue().index("<svg") :]


def _draw_pareto(axes: Any, summaries: Sequence[Summary]) -> None:
    for one in summaries:
        if one.accuracy is None:
            continue
        accuracy = one.accuracy
        errors = [[accuracy.value - accuracy.low], [accuracy.high - accuracy.value]]
        axes.errorbar(
            [one.mean_tokens], [accuracy.value], errors, fmt="o", capsize=3, label=_name(one)
        )
    axes.set(xlabel="generated tokens a reply", ylabel="share right (95 %)", ylim=(0, 1.02))


def _draw_reliability(axes: Any, summaries: Sequence[Summary]) -> None:
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for one in summaries:
        sure = [b.mean_confidence for b in one.reliability]
        if sure:
            axes.plot(sure, [b.share_right for b in one.reliability], "o-", label=_name(one))
    axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1.02), ylim=(0, 1.02))


def _draw_days(axes: Any, replies: Sequence[JudgedReply]) -> None:
    all_days: set[datetime] = set()
    for key, members in group(replies).items():
        by_day = accuracy_by_day(members)
        days = [datetime.fromtimestamp(day, UTC) for day in by_day]
        values = [a.value for a in by_day.values()]
        below = [a.value - a.low for a in by_day.values()]
        above = [a.high - a.value for a in by_day.values()]
        if days:
            axes.errorbar(days, values, [below, above], fmt="o-", capsize=3, label=_title(*key))
        all_days.update(days)
    if all_days:
        axes.set_xlim(min(all_days) - ONE_DAY, max(all_days) + ONE_DAY)
    axes.set(ylabel="share right (95 %)", ylim=(0, 1.02))
    axes.tick_params(axis="x", rotation=30)


def _draw_latency(axes: Any, summaries: Sequence[Summary]) -> None:
    places = range(len(summaries))
    axes.barh(places, [one.p95_ms for one in summaries], alpha=0.4, label="p95")
    axes.barh(places, [one.p50_ms for one in summaries], label="p50")
    axes.set_yticks(places, [_name(one) for one in summaries])
    axes.set(xlabel="ms")


def _name(summary: Summary) -> str:
    return _title(summary.strategy, summary.model, summary.source)


def _title(strategy: str, model: str, source: Source) -> str:
    return f"{strategy} on {model}" + (", canaries" if source == "canary" else "")
