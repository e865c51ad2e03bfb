"""The plots of a run, as SVG for a page."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.scenario.record import Record
from loadtest.scenario.run import Outcome
from loadtest.scenario.summary import ALL, StageFigures
from measurement.plots import new_figure_in_memory

Draw = Callable[[Any], None]  # on matplotlib's axes


@dataclass(frozen=True)
class _Plot:
    title: str
    draw: Draw


def draw_all(outcome: Outcome, stages: Sequence[StageFigures]) -> list[str]:
    """Each an SVG element. Raises NoPlots: matplotlib is not installed."""
    return [_svg(plot) for plot in _plots(outcome, stages)]


def _plots(outcome: Outcome, stages: Sequence[StageFigures]) -> list[_Plot]:
    records = [record for taking in outcome.takings for record in taking.records]
    plots = [_Plot("Share right (95 % interval)", lambda axes: _draw_right(axes, stages))]
    if len(stages) > 1:
        plots += [
            _Plot("Latency against rate", lambda axes: _draw_by_rate(axes, stages, "latency_ms")),
            _Plot("Goodput against rate", lambda axes: _draw_goodput(axes, stages)),
        ]
        if any(one.of(ALL).ttft_ms for one in stages):
            plots.append(
                _Plot("TTFT against rate", lambda axes: _draw_by_rate(axes, stages, "ttft_ms"))
            )
    plots += [
        _Plot("Latency, share of replies", lambda axes: _draw_spread(axes, records, "latency_ms")),
        _Plot("Tokens per right answer", lambda axes: _draw_tokens(axes, stages)),
        _Plot("Latency over time", lambda axes: _draw_times(axes, outcome)),
    ]
    if any(record.ttft_ms is not None for record in records):
        plots.append(
            _Plot("TTFT, share of replies", lambda axes: _draw_spread(axes, records, "ttft_ms"))
        )
    return plots


def _svg(plot: _Plot) -> str:
    figure, axes = new_figure_in_memory()
    axes.set_title(plot.title)
    axes.grid(alpha=0.3)
    plot.draw(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    out = io.StringIO()
    figure.savefig(out, format="svg")
    return out.getvalue()[out.getvalue().index("<svg") :]


def _draw_by_rate(axes: Any, stages: Sequence[StageFigures], name: str) -> None:
    """Draw `name` by rate for each way of asking. Closed stages offer no rate and are left out."""
    for number, call in enumerate(_calls(stages)):
        rated = [
            (one.offered_per_s, getattr(figures, name))
            for one in stages
            if one.offered_per_s is not None
            and (figures := one.find(call)) is not None
            and getattr(figures, name)
        ]
        for place, line in (("p50", "-"), ("p95", "--"), ("p99", ":")):
            axes.plot(
                [rate for rate, _ in rated],
                [found[place] for _, found in rated],
                f"o{line}",
                color=f"C{number}",
                label=f"{call} {place}",
            )
    axes.set(xlabel="requests/s offered", ylabel="ms")
    _in_decades(axes.set_yscale, axes.yaxis)


def _draw_goodput(axes: Any, stages: Sequence[StageFigures]) -> None:
    rated = [one for one in stages if one.offered_per_s is not None]
    offered = [one.offered_per_s for one in rated]
    for label, name in (
        ("replies", "requests_per_s"),
        ("right answers", "right_per_s"),
        ("right in time (goodput)", "goodput_per_s"),
    ):
        values = [getattr(one.of(ALL), name) or 0.0 for one in rated]
        axes.plot(offered, values, "o-", label=label)
    for call in _calls(stages) if len(_calls(stages)) > 1 else ():
        found = [one.find(call) for one in rated]
        values = [(one.goodput_per_s or 0.0) if one else 0.0 for one in found]
        axes.plot(offered, values, ".--", label=f"goodput of {call}")
    axes.plot(offered, offered, color="grey", linewidth=0.8, label="offered")
    axes.set(xlabel="requests/s offered", ylabel="a second", ylim=(0, None))


def _draw_right(axes: Any, stages: Sequence[StageFigures]) -> None:
    for number, call in enumerate(_calls(stages)):
        known = [(one.label, f.right) for one in stages if (f := one.find(call)) and f.right]
        axes.errorbar(
            [number / 20 + place for place in range(len(known))],
            [100 * right.value for _, right in known],
            [
                [100 * max(0.0, right.value - right.low) for _, right in known],
                [100 * max(0.0, right.high - right.value) for _, right in known],
            ],
            fmt="o",
            capsize=3,
            label=call,
        )
    axes.set_xticks(range(len(stages)), [one.label for one in stages], rotation=30)
    axes.set(xlim=(-0.5, len(stages) - 0.5), ylim=(0, 102), ylabel="%")


def _draw_tokens(axes: Any, stages: Sequence[StageFigures]) -> None:
    """Draw tokens per right answer over the whole run: tokens do not depend on the rate."""
    calls, values = [], []
    for call in _calls(stages):
        parts = [f for one in stages if (f := one.find(call)) and f.mean_tokens and f.right]
        num_right = sum(f.right.num_right for f in parts if f.right)
        if num_right:
            calls.append(call)
            values.append(sum((f.mean_tokens or 0) * f.num_answered for f in parts) / num_right)
    bars = axes.barh(calls, values, height=0.5)
    axes.set_ylim(-1, len(calls))
    axes.bar_label(bars, [f" {value:.0f}" for value in values])
    axes.set(xlabel="all generated tokens over right answers")
    axes.margins(x=0.15)


def _draw_spread(axes: Any, records: Sequence[Record], name: str) -> None:
    for call in sorted({one.call for one in records}):
        values = sorted(
            getattr(one, name)
            for one in records
            if one.call == call and one.error is None and getattr(one, name) is not None
        )
        if values:
            shares = [100 * (place + 1) / len(values) for place in range(len(values))]
            axes.step(values, shares, where="post", label=call)
    axes.set(xlabel="ms", ylabel="% at most", ylim=(0, 102))
    _in_decades(axes.set_xscale, axes.xaxis)


def _draw_times(axes: Any, outcome: Outcome) -> None:
    """Stages one after another, as they were taken."""
    begin = 0.0
    points: dict[str, list[tuple[float, float]]] = {}
    for taking in outcome.takings:
        for one in taking.records:
            label = one.call if one.error is None else "failed"
            points.setdefault(label, []).append((begin + one.arrival_s, one.latency_ms))
        begin += taking.wall_s
        axes.axvline(begin, color="grey", linewidth=0.5)
    for label, found in sorted(points.items()):
        color = {"color": "#b00020"} if label == "failed" else {}
        axes.plot(*zip(*found, strict=True), ".", markersize=2, label=label, **color)
    axes.set(xlabel="arrival, s", ylabel="ms")
    _in_decades(axes.set_yscale, axes.yaxis)


def _in_decades(set_scale: Callable[[str], None], axis: Any) -> None:
    """A logarithmic axis with marks at 1, 2 and 5, written as plain numbers."""
    from matplotlib.ticker import LogLocator

    set_scale("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def _calls(stages: Sequence[StageFigures]) -> list[str]:
    names = dict.fromkeys(f.call for stage in stages for f in stage.figures)
    return [name for name in names if name != ALL]
