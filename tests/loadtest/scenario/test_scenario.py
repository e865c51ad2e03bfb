from pathlib import Path
from typing import Any

import pytest

from loadtest.scenario.scenario import UnusableScenario, read_scenario

SHIPPED = sorted((Path(__file__).parents[3] / "loadtest/scenarios").glob("*.yaml"))
LEAST = "name: x\narrivals: {kind: constant, rate: 5}\nnum_requests: 3\n"


def reading(tmp_path: Path, text: str, **overrides: Any) -> Any:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    return read_scenario(file, overrides)  # type: ignore[arg-type]  # names that tests make up


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenarios_can_be_read(file: Path) -> None:
    assert read_scenario(file, {}).name == file.stem


def test_there_are_shipped_ones() -> None:
    assert len(SHIPPED) >= 3


def test_least_scenario_asks_plainly_and_streams(tmp_path: Path) -> None:
    scenario = reading(tmp_path, LEAST)
    (call,) = scenario.mix
    assert call.fields("number") == {"temperature": 0}
    assert scenario.stream


def test_decoder_gets_the_kind_of_answer_unless_it_names_its_own(tmp_path: Path) -> None:
    text = LEAST + (
        "mix:\n- {name: a, decoding: {strategy: greedy}}\n"
        "- {name: b, decoding: {strategy: greedy, answer: text}, body: {top_p: 0.5}}\n"
    )
    a, b = reading(tmp_path, text).mix
    assert a.fields("number") == {"decoding": {"strategy": "greedy", "answer": "number"}}
    assert b.fields("number") == {
        "decoding": {"strategy": "greedy", "answer": "text"},
        "top_p": 0.5,
    }


def test_overrides_take_the_place_of_the_files_own(tmp_path: Path) -> None:
    scenario = reading(tmp_path, LEAST + "checkpoint: pocket\n", server="http://h", seed=None)
    assert (scenario.server, scenario.checkpoint, scenario.seed) == ("http://h", None, 0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (LEAST + "nme: y\n", "nme: unknown key"),
        (LEAST + "slo: {latency: 5}\n", "slo.latency: unknown key"),
        (LEAST.replace("rate: 5", "rate: 0"), "arrivals.constant.rate: Input should be greater"),
        (LEAST.replace("rate: 5", "rate: 0"), "got 0"),
        (LEAST.replace("constant", "bursty"), "'bursty'"),
        (LEAST + "name: y\n", 'found duplicate key "name"'),
        (LEAST + "mix: []\n", "mix: "),
        (LEAST + "mix: [{name: a}, {name: a}]\n", "each name once"),
        (LEAST + "mix: [{name: all}]\n", "none 'all'"),
        (LEAST + "mix: [{name: a, weight: 0}]\n", "mix.0.weight"),
        (LEAST + "mix: [{name: a, decoding: {k: 3}}]\n", "mix.0.decoding: must have a 'strategy'"),
        (LEAST + "mix: [{name: a, body: {stream: false}}]\n", "stream is not for `body`"),
        (LEAST + "gates: [{metric: latency, at_most: 1}]\n", "gates.0.metric"),
        (LEAST + "gates: [{metric: share_right}]\n", "one of at_most and at_least"),
        (LEAST + "gates: [{metric: share_right, at_least: 1, at_most: 1}]\n", "one of at_most"),
        (LEAST + "gates: [{metric: share_right, call: z, at_least: 1}]\n", "got 'z'"),
        (LEAST.replace("num_requests: 3", ""), "duration_s or num_requests"),
        (LEAST.replace("num_requests: 3", "duration_s: 0"), "duration_s: "),
        (LEAST + "server: http://h\ncheckpoint: pocket\n", "exclude each other"),
        (LEAST + "stream: false\nslo: {ttft_ms: 5}\n", "cannot be measured"),
        (LEAST + "questions: {answer: colour}\n", "colour"),
        ("- a\n- b\n", "must be a mapping"),
        ("name: [x\n", "while parsing"),
        ("", "must be a mapping"),
    ],
)
def test_scenario_that_cannot_be_used_says_where_and_why(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(UnusableScenario) as failure:
        reading(tmp_path, text)
    message = str(failure.value)
    assert complaint in message
    assert str(tmp_path / "scenario.yaml") in message
    assert "\n" not in message


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableScenario, match="No such file"):
        read_scenario(tmp_path / "none.yaml", {})
