"""lm-evaluation-harness asks the running server, with a decoder of the request or of the alias."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.questions import MODEL, held_out
from tests.server.server_process import ServerProcess

pytestmark = pytest.mark.vllm
ROOT = Path(__file__).parents[2]
LM_EVAL = Path(sys.prefix, "lm-eval", "bin", "lm_eval")
TASK = "pocket_numbers"
NUM_PROBLEMS = 20
NUMBER = re.compile(r"-?\d+")
SERVED = re.compile(r'winnow_request_seconds_count{.*strategy="(?P<strategy>\w+)".*} (?P<count>.+)')


@dataclass(frozen=True)
class Evaluation:
    """What the harness reports, and the samples that it logs."""

    exact_match: float
    samples: list[dict[str, Any]]  # its JSON

    @property
    def replies(self) -> list[str]:
        return [sample["resps"][0][0] for sample in self.samples]


def evaluate(server: ServerProcess, folder: Path, model: str, *flags: str) -> Evaluation:
    """The README's command on the first problems."""
    if not LM_EVAL.exists():
        pytest.skip("no lm_eval: `make harness` sets it up")
    endpoint = f"model={model},base_url={server.url}/v1/chat/completions"
    command = (
        *(LM_EVAL, "run", "--include_path", "evaluation/lm_eval", "--tasks", TASK),
        *("--model", "local-chat-completions", "--apply_chat_template", "--model_args"),
        f"{endpoint},tokenizer_backend=none,num_concurrent=8",
        *("--limit", str(NUM_PROBLEMS), "--output_path", folder, "--log_samples", *flags),
    )
    settings = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (results,) = folder.rglob("results_*.json")
    (samples,) = folder.rglob("samples_*.jsonl")
    return Evaluation(
        json.loads(results.read_text())["results"][TASK]["exact_match,answer"],
        [json.loads(line) for line in samples.read_text().splitlines()],
    )


def decoding(**fields: object) -> tuple[str, str]:
    return "--gen_kwargs", json.dumps({"decoding": fields})


def num_served(server: ServerProcess) -> dict[str, float]:
    """Requests by strategy."""
    text = httpx.get(f"{server.url}/metrics").text
    return {found["strategy"]: float(found["count"]) for found in SERVED.finditer(text)}


def rise(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    changes = {name: count - before.get(name, 0) for name, count in after.items()}
    return {name: change for name, change in changes.items() if change}


def share_right(evaluation: Evaluation) -> float:
    """By the last number of each reply, whatever the harness made of it."""
    golds = {problem["question"]: problem["gold"] for problem in held_out(NUM_PROBLEMS)}
    assert {sample["doc"]["question"] for sample in evaluation.samples} == set(golds)
    are_right = [
        int(NUMBER.findall(reply)[-1]) == golds[sample["doc"]["question"]]
        for sample, reply in zip(evaluation.samples, evaluation.replies, strict=True)
    ]
    return sum(are_right) / len(are_right)


def test_harness_measures_what_the_decoders_say(server: ServerProcess, tmp_path: Path) -> None:
    asked = {
        "greedy": (MODEL, *decoding(strategy="greedy")),
        "cot_decoding": (MODEL, *decoding(strategy="cot_decoding")),
        "alias": (f"{MODEL}:cot_decoding",),
    }
    found = {}
    for name, (model, *flags) in asked.items():
        before = num_served(server)
        found[name] = evaluate(server, tmp_path / name, model, *flags)
        strategy = "greedy" if name == "greedy" else "cot_decoding"
        assert rise(before, num_served(server)) == {strategy: NUM_PROBLEMS}
        assert found[name].exact_match == pytest.approx(share_right(found[name]))
    assert found["greedy"].exact_match <= 0.3
    assert found["cot_decoding"].exact_match >= 0.9
    assert found["alias"].replies == found["cot_decoding"].replies
