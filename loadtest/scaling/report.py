"""Measured points as a table, as sentences and as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.scaling.measured import Point, Sweep
from measurement.plots import MARKERS, new_grid
from measurement.tables import format_table

TARGET_SHARE = 0.9
"""Of its peak that throughput should keep under the most clients."""
HEADER = (
    *("decoder", "prompt", "branches", "clients", "questions/s", "right/s", "p50 ms", "p95 ms"),
    *("p99 ms", "tokens/s", "tokens/question", "failed", "running", "waiting", "memory MB"),
    "other cores",
)


def points_table(points: Sequence[Point]) -> str:
    """`running` and `waiting` are the most sequences that vLLM showed at once; `other cores` those
    that something else took of the machine."""
    return format_table(HEADER, [_row(point) for point in points])


def _row(point: Point) -> tuple[str, ...]:
    latency, work, engine = point.latency, point.work, point.engine
    return (
        point.strategy,
        f"{work.prompt_tokens:.0f}" if work else "–",
        str(point.branches),
        str(point.concurrency),
        f"{point.questions_per_s:.1f}",
        f"{point.right_per_s:.1f}" if point.sweep != "prompt" else "–",
        *(
            (f"{latency.p50_ms:.0f}", f"{latency.p95_ms:.0f}", f"{latency.p99_ms:.0f}")
            if latency
            else ("–", "–", "–")
        ),
        f"{point.tokens_per_s:.0f}",
        f"{work.generated_tokens:.0f}" if work else "–",
        _failed(point),
        *((f"{engine.peak_running:.0f}", f"{engine.peak_waiting:.0f}") if engine else ("–", "–")),
        f"{point.memory_mb:.0f}" if point.memory_mb is not None else "–",
        f"{point.other_cores:.1f}" if point.other_cores is not None else "–",
    )


def _failed(point: Point) -> str:
    if not point.failures:
        return "0"
    kinds = ", ".join(f"{num} × {kind}" for kind, num in sorted(point.failures.items()))
    return f"{point.num_failed} ({kinds})"


def share_of_peak(points: Sequence[Point], strategy: str) -> str | None:
    """What is left of the best throughput under the most clients; None without such points."""
    swept = [p for p in points if (p.sweep, p.strategy) == ("concurrency", strategy)]
    if not swept:
        return None
    last = max(swept, key=lambda point: point.concurrency)
    peak = max(swept, key=lambda point: point.questions_per_s)
    if not peak.num_answered:
        return f"{strategy}: nothing was answered"
    share = last.questions_per_s / peak.questions_per_s
    verdict = "held" if share >= TARGET_SHARE else "missed"
    return (
        f"{strategy}: throughput at concurrency {last.concurrency} is {share:.2f} of its peak "
        f"({peak.questions_per_s:.1f} questions/s at {peak.concurrency}); "
        f"target ≥ {TARGET_SHARE:.2f} {verdict}{_spent(last, peak)}"
    )


def _spent(last: Point, peak: Point) -> str:
    """The server's own time, which other programs on the machine change less."""
    if last.processor_time is None or peak.processor_time is None or not last.num_answered:
        return ""
    ms = [
        1000 * (point.processor_time.api_s + point.processor_time.engine_s) / point.num_answered
        for point in (last, peak)
        if point.processor_time
    ]
    return f"; processor time of a question {ms[0]:.1f} ms there, {ms[1]:.1f} ms at the peak"


def draw_scaling(path: Path, points: Sequence[Point]) -> None:
    """Throughput above latency, against clients at the left and branches at the right.

    Raises:
        NoPlots: matplotlib is not installed, or the file's name does not end in .png or .svg.
    """
    canvas, panels = new_grid(path, 2, 2)
    sweeps: tuple[tuple[Sweep, str, str], ...] = (
        ("concurrency", "concurrency", "clients at a time"),
        ("branches", "branches", "branches a question"),
    )
    for column, (sweep, name, label) in enumerate(sweeps):
        swept = [point for point in points if point.sweep == sweep and point.latency]
        _draw_column(panels[0][column], panels[1][column], swept, name)
        if sweep == "branches" and swept:
            panels[0][column].set_title(f"{swept[0].concurrency} clients at a time")
        panels[1][column].set_xlabel(label)
    panels[0][0].set_ylabel("questions/s")
    panels[1][0].set_ylabel("latency, ms: p50 —, p99 ⋯")
    canvas.savefig(path)


def _draw_column(
    speeds: Any,  # matplotlib's own types
    latencies: Any,
    points: Sequence[Point],
    name: str,
) -> None:
    for number, strategy in enumerate(dict.fromkeys(point.strategy for point in points)):
        mine = [point for point in points if point.strategy == strategy]
        places = [getattr(point, name) for point in mine]
        style = {"color": f"C{number}", "marker": MARKERS[number]}
        speeds.plot(places, [point.questions_per_s for point in mine], label=strategy, **style)
        of = [point.latency for point in mine if point.latency]
        latencies.plot(places, [latency.p50_ms for latency in of], **style)
        latencies.plot(places, [latency.p99_ms for latency in of], linestyle=":", **style)
    ticks = sorted({getattr(point, name) for point in points})
    for axes in (speeds, latencies):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.grid(alpha=0.3)
    if points:
        speeds.legend(fontsize="small")
