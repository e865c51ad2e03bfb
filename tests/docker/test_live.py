"""Every panel's expression, and every rule, on a Prometheus that scrapes a running server."""

import math
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
import yaml

from tests.docker.prometheus_process import Prometheus, running_prometheus
from tests.docker.test_dashboard import DASHBOARD, MONITORING, PANELS
from tests.server.questions import GREEDY, MODEL, chat
from tests.server.server_process import ServerProcess, wait_until

pytestmark = pytest.mark.vllm
EVERY = "1s"
SCRAPED_WITHIN_S = 60.0
VARIABLES = {
    "$strategy": ".*",
    "$model": MODEL,
    "$__rate_interval": "5m",
    "$__range": "5m",
}
QUERY = re.compile(r"label_values\((\w+), (\w+)\)")
NAME = re.compile(r"[\w:]+")
MAY_BE_EMPTY = frozenset(
    {
        "winnow_canaries_total",
        "winnow_energy_joules_total",
        "winnow_joules_per_right_answer",
    }
)
"""The server under test runs no canaries, and its machine may measure no energy."""
OF_CANARIES = "strategy_model:winnow_canaries"
LABELLED = [
    {**GREEDY, "reference": "64"},
    {"strategy": "cot_decoding", "reference": "64"},
    {
        "strategy": "majority_vote",
        "num_samples": 16,
        "threshold": 0.6,
        "launch": "as_needed",
        "seed": 1,
        "reference": "64",
    },
]
FALLING_BACK = chat(decoding={"strategy": "majority_vote", "num_samples": 4}, max_tokens=1)
REFUSED = chat(decoding={"strategy": "nonsense"})


@pytest.fixture(scope="module")
def prometheus(
    server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """The shipped settings and rules on our server, in a hurry, once it has scraped some requests.

    A counter's first sample is no rise: each request is sent before the first scrape and after.
    """
    folder = tmp_path_factory.mktemp("prometheus")
    config = hurried(server.url, folder)
    with server.http() as http:
        _ask(http)
        with running_prometheus(config, folder / "storage") as prometheus:
            _wait_for_scrape(prometheus)
            _ask(http)
            _wait_for_scrape(prometheus)
            yield prometheus


def hurried(url: str, folder: Path, windows: Mapping[str, str] = MappingProxyType({})) -> Path:
    """The shipped settings for a server at `url`, evaluated each second, with other time windows in
    the rules where they are given."""
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": EVERY, "evaluation_interval": EVERY}
    (scrape,) = config["scrape_configs"]
    scrape["static_configs"] = [{"targets": [url.removeprefix("http://")]}]
    rules = yaml.safe_load((MONITORING / "rules.yml").read_text())
    for group in rules["groups"]:
        group.pop("interval", None)
    text = yaml.safe_dump(rules)
    for window, shorter in windows.items():
        assert window in text
        text = text.replace(window, shorter)
    (folder / "rules.yml").write_text(text)
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def _ask(http: httpx.Client) -> None:
    for decoding in LABELLED:
        report = http.post("/v1/chat/completions", json=chat(decoding=decoding)).json()["decoding"]
        assert (report["stopped"] is not None) is (decoding["strategy"] == "majority_vote")
    report = http.post("/v1/chat/completions", json=FALLING_BACK).json()["decoding"]
    assert report["fallback"] is not None
    refusal = http.post("/v1/chat/completions", json=REFUSED)
    assert refusal.status_code == httpx.codes.BAD_REQUEST


def _wait_for_scrape(prometheus: Prometheus) -> None:
    """Until one that began after all that was sent."""
    now = time.time()

    def is_scraped() -> bool:
        began = prometheus.query("timestamp(vllm:num_requests_running)")
        return bool(began) and float(began[0]["value"][1]) > now

    wait_until(is_scraped, SCRAPED_WITHIN_S, "Prometheus has scraped the server")


def _filled_in(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def _may_be_empty(expression: str) -> bool:
    names = NAME.findall(expression)
    return any(name in MAY_BE_EMPTY or name.startswith(OF_CANARIES) for name in names)


def _title(panel: dict[str, Any]) -> str:
    return str(panel["title"])


@pytest.mark.parametrize("panel", PANELS, ids=_title)
def test_panel_shows_what_the_requests_made(prometheus: Prometheus, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        series = prometheus.query(_filled_in(target["expr"]))
        if not _may_be_empty(target["expr"]):
            assert any(math.isfinite(float(one["value"][1])) for one in series), target["expr"]


def test_variables_offer_models_and_strategies(prometheus: Prometheus) -> None:
    offered = {}
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = QUERY.fullmatch(variable["query"]).groups()
            offered[label] = {one["metric"][label] for one in prometheus.query(metric)}
    assert offered["model"] == {MODEL}
    assert offered["strategy"] >= {decoding["strategy"] for decoding in LABELLED}


def test_rules_run_on_real_series(prometheus: Prometheus) -> None:
    names = {rule["name"] for rule in prometheus.rules() if rule["type"] == "recording"}
    served = [name for name in names if not _may_be_empty(name)]
    assert served

    def have_run() -> bool:
        is_known = all(rule["health"] != "unknown" for rule in prometheus.rules())
        return is_known and all(map(prometheus.query, served))

    wait_until(have_run, SCRAPED_WITHIN_S, f"every rule has run, and recorded {served}")
    failures = [rule["lastError"] for rule in prometheus.rules() if rule["health"] != "ok"]
    assert failures == []


def test_series_of_beginnings_are_dropped(prometheus: Prometheus) -> None:
    assert not prometheus.query('{__name__=~"(winnow_|vllm:|http_).+_created"}')
