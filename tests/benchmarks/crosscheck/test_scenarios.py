"""What guidellm is given."""

import json
from pathlib import Path

import pytest

from benchmarks.crosscheck.guidellm import (
    SCENARIOS,
    Load,
    ScenarioName,
    read_scenario,
    write_questions,
)
from loadtest.request_bodies import MAX_TOKENS
from measurement.server_process import Server
from tests.benchmarks.compare.stand_ins import PROBLEMS


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_limits_tokens_as_our_other_measurements_do(name: ScenarioName) -> None:
    body = read_scenario(name).body
    assert body["max_tokens"] == MAX_TOKENS
    assert body.get("decoding", {"strategy": "plain"})["strategy"] == name


def test_run_adds_the_server_the_questions_and_the_load(tmp_path: Path) -> None:
    scenario = read_scenario("cot_decoding")
    server = Server("http://127.0.0.1:1", "m")
    out = tmp_path / "out.json"
    spec = scenario.of_run(server, "tokenizer", tmp_path / "q", out, Load(7, 3))["spec"]
    assert spec["backend"]["target"] == server.url
    assert spec["backend"]["model"] == "m"
    assert spec["backend"]["extras"]["body"] == scenario.body
    assert spec["profile"]["streams"] == [3]
    assert spec["constraints"] == [{"kind": "max_requests", "count": 7}]


def test_questions_are_lines_of_messages(tmp_path: Path) -> None:
    write_questions(PROBLEMS[:2], tmp_path / "q.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()]
    assert lines == [
        {"messages": [{"role": "user", "content": f"Question {number}"}]} for number in (0, 1)
    ]
