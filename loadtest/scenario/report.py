"""A run for people: a table for the terminal, and one page with plots that needs nothing else."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from loadtest.scenario.drawing import draw_all
from loadtest.scenario.run import Outcome, Plan, Summary
from loadtest.scenario.summary import ALL, Figures, StageFigures
from measurement.tables import format_table

LATE_MS, BUSY_CLIENT = 50.0, 0.7
"""Beyond these the client's own slowness shows in the figures."""
HEADER = (
    "stage",
    "asked as",
    "requests",
    "failed",
    "right",
    "95 % interval",
    "replies/s",
    "right/s",
    "goodput/s",
    "TTFT p50 / p95 / p99 ms",
    "latency p50 / p95 / p99 ms",
    "tokens",
    "tokens / right",
)


def render_table(summary: Summary) -> str:
    """The table for a terminal. Stages with one way of asking have one row, others one more for
    all."""
    return format_table(HEADER, _rows(summary.stages))


def warnings_of(stages: Sequence[StageFigures]) -> list[str]:
    """What makes figures less than they seem."""
    found = []
    for stage in stages:
        if stage.late_p99_ms is not None and stage.late_p99_ms > LATE_MS:
            found.append(
                f"stage {stage.label}: one request in a hundred was sent {stage.late_p99_ms:.0f} "
                "ms late or later: the client did not keep up"
            )
        if stage.client_cpu > BUSY_CLIENT:
            found.append(
                f"stage {stage.label}: the client used {stage.client_cpu:.0%} of a core, so that "
                "it may be what limits the throughput"
            )
    return found


def errors_of(stages: Sequence[StageFigures]) -> list[str]:
    return [
        f"{stage.label}: {count} × {error}"
        for stage in stages
        for error, count in stage.of(ALL).errors
    ]


def goodput_rule(plan: Plan) -> str:
    slo = plan.scenario.slo
    limits = [
        f"{name} ≤ {limit:g} ms"
        for name, limit in (("TTFT", slo.ttft_ms), ("latency", slo.latency_ms))
        if limit is not None
    ]
    return f"Goodput: right answers a second with {' and '.join(limits) or 'no limit of time'}."


def render_page(plan: Plan, outcome: Outcome, summary: Summary) -> str:
    """The run as one HTML page with its plots.

    Raises:
        NoPlots: matplotlib is not installed.
    """
    environment = Environment(
        loader=PackageLoader("loadtest.scenario", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    machine = outcome.machine
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    return environment.get_template("report.html").render(
        name=plan.scenario.name,
        title=f"{plan.dataset.name}, {plan.target.model} at {plan.target.name}",
        machine=f"{machine.taken_at}, {machine.num_cores} × {machine.processor}, load average "
        f"before {machine.load_average:.2f}, {packages}",
        incomplete=summary.incomplete,
        warnings=warnings_of(summary.stages),
        verdicts=[{"holds": one.holds, "text": verdict_text(one)} for one in summary.verdicts],
        goodput=goodput_rule(plan),
        header=HEADER,
        rows=_rows(summary.stages),
        errors=errors_of(summary.stages),
        plots=draw_all(outcome, summary.stages),
        scenario=plan.scenario.model_dump_json(indent=1, exclude_defaults=True),
    )


def verdict_text(verdict: Any) -> str:  # a Verdict
    value = "nothing measured" if verdict.value is None else f"{verdict.value:.4g}"
    return f"{verdict.gate}: {value}{'' if verdict.holds else ', not kept'}"


def _rows(stages: Sequence[StageFigures]) -> list[tuple[str, ...]]:
    rows = []
    for stage in stages:
        calls = stage.figures[1:] if len(stage.figures) == 2 else stage.figures
        rows += [(stage.label, *_cells(one)) for one in calls]
    return rows


def _cells(one: Figures) -> tuple[str, ...]:
    right = one.right
    return (
        one.call,
        str(one.num_requests),
        str(one.num_requests - one.num_answered),
        f"{100 * right.value:.1f} %" if right else "–",
        f"{100 * right.low:.1f}–{100 * right.high:.1f}" if right else "–",
        _number(one.requests_per_s, 1),
        _number(one.right_per_s, 1),
        _number(one.goodput_per_s, 1),
        _percentiles(one.ttft_ms),
        _percentiles(one.latency_ms),
        _number(one.mean_tokens, 0),
        _number(one.tokens_per_right_answer, 0),
    )


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _percentiles(values: dict[str, float] | None) -> str:
    return " / ".join(f"{values[p]:.0f}" for p in ("p50", "p95", "p99")) if values else "–"
