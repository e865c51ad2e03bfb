"""Grafana's dashboard: the shipped file is what the code gives, and its panels make sense."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

MONITORING = Path(__file__).parents[2] / "docker" / "monitoring"
SHIPPED = MONITORING / "dashboard.json"
DASHBOARD = json.loads(SHIPPED.read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
NUM_COLUMNS = 24
LABEL = re.compile(r"{{(\w+)}}")


def test_shipped_file_is_what_the_code_gives() -> None:
    command = [sys.executable, MONITORING / "dashboard.py"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == SHIPPED.read_text()


def test_panels_stand_beside_each_other() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        x, y, w, h = (panel["gridPos"][side] for side in "xywh")
        assert x + w <= NUM_COLUMNS
        return {(column, row) for column in range(x, x + w) for row in range(y, y + h)}

    for one, other in combinations(map(cells, DASHBOARD["panels"]), 2):
        assert not one & other


def test_panels_are_told_apart() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles)
    assert all(panel["description"] for panel in PANELS)


def test_variables_are_defined_and_used() -> None:
    defined = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert defined == {"datasource", "model", "strategy"}
    text = json.dumps(DASHBOARD["panels"])
    builtin = {"__rate_interval", "__range"}
    assert set(re.findall(r"\$\{?(\w+)", text)) == defined | builtin


def test_legends_name_labels_that_their_series_have() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            grouped = re.search(r"by \(([\w, ]+)\)", target["expr"])
            if grouped is not None:
                labels = set(grouped[1].split(", ")) - {"le"}
                assert labels == set(LABEL.findall(target["legendFormat"])), panel["title"]


def test_recorded_series_are_those_that_the_rules_record() -> None:
    groups = yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"]
    recorded = {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
    shown = set(re.findall(r"strategy_model:[\w:]+", json.dumps(PANELS)))
    assert shown
    assert shown <= recorded
