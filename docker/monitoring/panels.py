"""The kinds of panel that the dashboard has, and the terms of their expressions."""

from collections.abc import Iterable
from dataclasses import dataclass

from grafana_foundation_sdk.builders import barchart, common, prometheus, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

DATASOURCE = models.DataSourceRef("prometheus", "${datasource}")
CHOSEN = 'strategy=~"$strategy", model=~"$model"'
QUANTILES = (0.5, 0.95, 0.99)
SHARE = "percentunit"
HEIGHT, WIDTH = 8, 8
"""In Grafana's units; its width is 24."""


@dataclass(frozen=True)
class Query:
    """`legend` names a series by its labels: `{{strategy}}`."""

    expression: str
    legend: str


def rate(counter: str, by: str, where: str = CHOSEN) -> str:
    """A second; `by` lists the labels that are kept."""
    return f"sum by ({by}) (rate({counter}{{{where}}}[$__rate_interval]))"


def mean(histogram: str) -> str:
    return f"{rate(f'{histogram}_sum', 'strategy')} / {rate(f'{histogram}_count', 'strategy')}"


def quantiles(histogram: str, by: str = "strategy", where: str = CHOSEN) -> list[Query]:
    buckets = rate(f"{histogram}_bucket", f"{by}, le", where)
    return [
        Query(f"histogram_quantile({q}, {buckets})", f"{{{{{by}}}}} p{100 * q:g}")
        for q in QUANTILES
    ]


def lines(title: str, description: str, unit: str, queries: Iterable[Query]) -> timeseries.Panel:
    """Series over time, from 0 on; shares up to 1."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(WIDTH)
        .unit(unit)
        .min(0)
        .show_points(common_models.VisibilityMode.NEVER)
        .legend(common.VizLegendOptions().show_legend(True))
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    if unit == SHARE:
        panel.max(1)
    for place, query in enumerate(queries):
        panel.with_target(_target(chr(ord("A") + place), query).range())
    return panel


def bounded(
    title: str, description: str, value: Query, low: Query, high: Query
) -> timeseries.Panel:
    """A share between its bounds, the queries B and C, which are dashed."""
    dashed = models.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [6, 6]})
    panel = lines(title, description, SHARE, (value, low, high))
    return panel.override_by_query("B", [dashed]).override_by_query("C", [dashed])


def bars(title: str, description: str, query: Query, by: str) -> barchart.Panel:
    """A share for each value of a label, in the label's order."""
    order = models.DataTransformerConfig("sortBy", options={"sort": [{"field": by}]})
    table = prometheus_models.PromQueryFormat.TABLE
    return (
        barchart.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(WIDTH)
        .unit(SHARE)
        .min(0)
        .max(1)
        .x_field(by)
        .with_transformation(order)
        .with_target(_target("A", query).instant().format(table))
    )


def _target(ref: str, query: Query) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(ref).expr(query.expression).legend_format(query.legend)
