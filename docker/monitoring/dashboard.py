"""Grafana's dashboard of Winnow, as JSON: `python docker/monitoring/dashboard.py [FILE]`."""

import json
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from grafana_foundation_sdk.builders import barchart, dashboard, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from panels import (
    CHOSEN,
    DATASOURCE,
    SHARE,
    Query,
    bars,
    bounded,
    lines,
    mean,
    quantiles,
    rate,
)

Panel = timeseries.Panel | barchart.Panel
ALL = models.VariableOption(selected=True, text="All", value="$__all")
JUDGED = "{{strategy}} {{model}} {{source}} {{instance}}"
CANARIES = "{{strategy}} {{model}}"
ENGINE = 'model_name=~"$model"'
UNFINISHED = "aborted|not_started"


def requests() -> Iterator[Panel]:
    served = rate("winnow_request_seconds_count", "strategy")
    yield lines(
        "Requests",
        "Answered a second. Requests without a decoder are vLLM's alone: see below.",
        "reqps",
        [Query(served, "{{strategy}}")],
    )
    yield lines("Latency", "End to end.", "s", quantiles("winnow_request_seconds"))
    yield lines(
        "First byte",
        "Until the first output of the winner.",
        "s",
        quantiles("winnow_first_byte_seconds"),
    )
    yield lines("Queue", "Time that requests wait.", "s", quantiles("winnow_queue_seconds"))
    fallbacks = rate("winnow_fallbacks_total", "strategy, reason")
    yield lines(
        "Fallbacks",
        "Share of replies that no selection gave, by reason.",
        SHARE,
        [Query(f"{fallbacks} / on (strategy) group_left () {served}", "{{strategy}}: {{reason}}")],
    )
    yield lines(
        "Errors",
        "Requests a second that were refused or given up, of all decoders and models.",
        "reqps",
        [Query(rate("winnow_errors_total", "kind", ""), "{{kind}}")],
    )


def answers() -> Iterator[Panel]:
    yield bounded(
        "Accuracy",
        "Share right of the last 1,000 judged answers of a server, between its 95 % Wilson bounds.",
        *(
            Query(f"winnow_accuracy{bound}{{{CHOSEN}}}", f"{JUDGED}{name}")
            for bound, name in (("", ""), ("_low", " low"), ("_high", " high"))
        ),
    )
    yield lines(
        "Calibration error",
        "Mean distance of confidence and share right of the same answers.",
        SHARE,
        [Query(f"winnow_calibration_error{{{CHOSEN}}}", JUDGED)],
    )
    judged = f"sum by (bin) (increase(winnow_reliability_answers_total{{{CHOSEN}}}[$__range]))"
    right = judged.replace(CHOSEN, f'{CHOSEN}, outcome="right"')
    yield bars(
        "Reliability",
        "Share right by confidence, of which a bar is a tenth from its label on. Where confidence "
        "is honest, bar 0.7 reaches 75 %. Choose one decoder: they measure confidence differently.",
        Query(f"({right} or 0 * {judged}) / ({judged} > 0)", "{{bin}}"),
        by="bin",
    )
    yield lines(
        "Agreement and confidence",
        "Means: the share of all weight that the answer holds, and its Δ.",
        SHARE,
        [
            Query(mean("winnow_agreement"), "{{strategy}} agreement"),
            Query(mean("winnow_confidence"), "{{strategy}} confidence"),
        ],
    )
    yield lines(
        "Canaries right",
        "Share right of the last six hours, and of the week before, which the alert compares.",
        SHARE,
        [
            Query(f"strategy_model:winnow_canaries_right:ratio6h{{{CHOSEN}}}", f"{CANARIES} now"),
            Query(
                f"strategy_model:winnow_canaries_right:ratio1w{{{CHOSEN}}}", f"{CANARIES} before"
            ),
        ],
    )
    ran = f"sum by (strategy, outcome) (increase(winnow_canaries_total{{{CHOSEN}}}[1h]))"
    yield lines(
        "Canaries",
        "In an hour: answered, deferred because the server was busy, failed.",
        "short",
        [Query(ran, "{{strategy}} {{outcome}}")],
    )


def work() -> Iterator[Panel]:
    tokens = {
        kind: rate("winnow_tokens_total", "strategy", f'{CHOSEN}, kind="{kind}"')
        for kind in ("generated", "aborted")
    }
    paths = "winnow_candidates_total"
    unfinished = rate(paths, "strategy", f'{CHOSEN}, outcome=~"{UNFINISHED}"')
    finished = rate(paths, "strategy", f'{CHOSEN}, outcome!~"{UNFINISHED}"')
    length = f"({tokens['generated']} - {tokens['aborted']}) / {finished}"
    yield lines(
        "Tokens",
        "Generated a second for all paths, and of those the ones of aborted paths.",
        "short",
        [Query(expression, f"{{{{strategy}}}} {kind}") for kind, expression in tokens.items()],
    )
    yield lines(
        "Tokens saved by stopping",
        "A second, as an estimate: paths aborted or not begun, at the mean length of those that "
        "ended, less what the aborted ones had cost.",
        "short",
        [Query(f"{unfinished} * {length} - {tokens['aborted']}", "{{strategy}}")],
    )
    prompts = rate("winnow_prompt_tokens_total", "strategy")
    reused = rate("winnow_prompt_tokens_total", "strategy", f'{CHOSEN}, kind="reused"')
    yield lines(
        "Prompt tokens reused",
        "Share of the paths' prompt tokens that were in the prefix cache.",
        SHARE,
        [Query(f"{reused} / {prompts}", "{{strategy}}")],
    )
    yield lines(
        "Paths",
        "A second, by what became of them.",
        "short",
        [Query(rate(paths, "strategy, outcome"), "{{strategy}} {{outcome}}")],
    )
    yield lines(
        "Power",
        "Of the devices that measure it; empty where none does.",
        "watt",
        [Query(rate("winnow_energy_joules_total", "device", ""), "{{device}}")],
    )
    yield lines(
        "Energy of a right answer",
        "Empty where no device measures energy.",
        "joule",
        [Query("winnow_joules_per_right_answer", "{{strategy}} {{model}} {{instance}}")],
    )


def engine() -> Iterator[Panel]:
    """vLLM's own series, which count paths."""

    def gauge(name: str) -> str:
        return f"sum by (model_name) (vllm:{name}{{{ENGINE}}})"

    def counter(name: str) -> str:
        return rate(f"vllm:{name}_total", "model_name", ENGINE)

    yield lines(
        "Paths in the engine",
        "Running, and waiting for a place in the batch.",
        "short",
        [
            Query(gauge(f"num_requests_{state}"), f"{{{{model_name}}}} {state}")
            for state in ("running", "waiting")
        ],
    )
    yield lines(
        "KV cache",
        "Share of the blocks in use, of the fullest engine.",
        SHARE,
        [Query(f"max by (model_name) (vllm:kv_cache_usage_perc{{{ENGINE}}})", "{{model_name}}")],
    )
    yield lines(
        "Prefix cache",
        "Share of the prompt tokens looked up that were there.",
        SHARE,
        [
            Query(
                f"{counter('prefix_cache_hits')} / {counter('prefix_cache_queries')}",
                "{{model_name}}",
            )
        ],
    )
    yield lines(
        "Engine tokens",
        "A second, with those of requests without a decoder.",
        "short",
        [
            Query(counter(f"{kind}_tokens"), f"{{{{model_name}}}} {kind}")
            for kind in ("generation", "prompt")
        ],
    )
    yield lines(
        "Between tokens",
        "Of a path.",
        "s",
        quantiles("vllm:inter_token_latency_seconds", "model_name", ENGINE),
    )
    yield lines(
        "Preemptions",
        "Paths a second that gave up their place, and whose prompt is computed again.",
        "short",
        [Query(counter("num_preemptions"), "{{model_name}}")],
    )


def build() -> models.Dashboard:
    """Rows of panels, three abreast."""
    page = (
        dashboard.Dashboard("Winnow")
        .uid("winnow")
        .tags(["winnow", "vllm"])
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").type("prometheus"))
        .with_variable(_variable("model"))
        .with_variable(_variable("strategy"))
    )
    ids = count(1)
    rows = {"Requests": requests, "Answers": answers, "Work": work, "Engine (vLLM)": engine}
    for title, panels in rows.items():
        page.with_row(dashboard.Row(title).id(next(ids)))
        for panel in panels():
            page.with_panel(panel.id(next(ids)))
    return page.build()


def _variable(label: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(label)
        .datasource(DATASOURCE)
        .query(f"label_values(winnow_request_seconds_count, {label})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(ALL)
    )


def main() -> None:
    text = json.dumps(build(), cls=JSONEncoder, indent=1, ensure_ascii=False, sort_keys=True)
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(f"{text}\n", encoding="utf-8")
    else:
        sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
