"""guidellm's side: a scenario that ships with us, run in guidellm's own environment."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from benchmarks import guidellm as scenarios
from benchmarks.compare.environments import peer_environment
from benchmarks.compare.failures import PeerFailed, last_reason
from benchmarks.crosscheck.figures import Figures
from evaluation.eval_set import Problem
from loadtest.client import Json
from loadtest.request_bodies import question
from measurement.child_process import running_child
from measurement.server_process import Server

ScenarioName = Literal["plain", "cot_decoding", "majority_vote"]
SCENARIOS: tuple[ScenarioName, ...] = get_args(ScenarioName)
REPORT = "report.json"


@dataclass(frozen=True)
class Scenario:
    """What `guidellm run --config` is given, but for what a run adds."""

    content: Json

    @property
    def body(self) -> Json:
        """The fields that it puts into each request."""
        body: Json = self.content["spec"]["backend"]["extras"]["body"]
        return body

    def of_run(
        self, server: Server, tokenizer: str, questions: Path, out: Path, load: "Load"
    ) -> Json:
        spec = self.content["spec"]
        return {
            **self.content,
            "spec": {
                **spec,
                "backend": {**spec["backend"], "target": server.url, "model": server.model},
                "tokenizer": {"kind": "huggingface_auto", "model": tokenizer},
                "data": [{"kind": "json_file", "path": str(questions)}],
                "profile": {"kind": "concurrent", "streams": [load.concurrency]},
                "constraints": [{"kind": "max_requests", "count": load.num_requests}],
                "outputs": [{"kind": "json", "path": str(out)}],
            },
        }


@dataclass(frozen=True)
class Load:
    num_requests: int
    concurrency: int


def read_scenario(name: ScenarioName) -> Scenario:
    text = (files(scenarios) / f"{name}.yaml").read_text(encoding="utf-8")
    return Scenario(yaml.safe_load(text))


def write_questions(problems: Sequence[Problem], path: Path) -> None:
    """Write the problems as guidellm reads them: a line of messages for each request."""
    lines = [json.dumps({"messages": question(problem)}) for problem in problems]
    path.write_text("\n".join(lines), encoding="utf-8")


def run_guidellm(python: Path, config: Json, folder: Path, environment: dict[str, str]) -> Figures:
    """One run; `folder` is for its files.

    Raises:
        PeerFailed: it ended without figures, or with failed requests.
    """
    written = folder / "scenario.yaml"
    written.write_text(yaml.safe_dump(config, sort_keys=False))
    report = Path(config["spec"]["outputs"][0]["path"])
    report.unlink(missing_ok=True)
    command = [
        *(str(python.with_name("guidellm")), "run", "--config", str(written)),
        "--disable-console",
    ]
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "datasets")}
    with running_child(command, peer_environment(environment, **offline)) as child:
        code = child.process.wait()
        if code or not report.exists():
            raise PeerFailed(f"guidellm: {last_reason(child.said())}")
    return read_report(json.loads(report.read_text()))


def read_report(report: Any) -> Figures:  # guidellm's own form
    """The figures of the one benchmark in it.

    Raises:
        PeerFailed: requests failed.
    """
    metrics = report["benchmarks"][0]["metrics"]
    totals = metrics["request_totals"]
    if totals["errored"] or not totals["successful"]:
        raise PeerFailed(f"guidellm: {totals['errored']} of {totals['total']} requests failed")
    latency, ttft = (
        metrics[name]["successful"]["percentiles"]
        for name in ("request_latency", "time_to_first_token_ms")
    )
    return Figures(
        metrics["requests_per_second"]["successful"]["mean"],
        1000 * latency["p50"],
        1000 * latency["p95"],
        ttft["p50"],
        ttft["p95"],
    )
