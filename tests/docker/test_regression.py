"""A damaged checkpoint in a good one's place: the canaries' alert sees it, by the shipped rules
with seconds for hours."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evaluation.eval_set import bundled_eval_set
from measurement.machine import free_port
from server.checkpoint import bundled_checkpoint
from tests.docker.prometheus_process import Prometheus, running_prometheus
from tests.docker.test_live import hurried
from tests.server.server_process import ServerProcess, running_server, wait_until

pytestmark = pytest.mark.vllm
ALERT = "WinnowAccuracyDropped"
WINDOWS = {"6h": "90s", "1w": "900s", "for: 15m": "for: 3s"}
"""The short one has the 50 answers that the rule wants at 0.6 a second, too."""
JUDGED = 'sum(winnow_answers_total{source="canary"})'
ENOUGH = 60
"""More answers than the rules want to see of each side."""


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """The bundled checkpoint with noise in one layer's feed-forward weights."""
    folder = tmp_path / "damaged"
    shutil.copytree(bundled_checkpoint(), folder)
    weights = load_file(folder / "model.safetensors")
    noise = torch.Generator().manual_seed(0)
    (name,) = [n for n in weights if n.endswith("layers.1.mlp.down_proj.weight")]
    weights[name] += torch.randn(weights[name].shape, generator=noise) * weights[name].std()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@contextmanager
def serving(checkpoint: Path, port: int, log: Path) -> Iterator[ServerProcess]:
    environment = {
        "WINNOW_CANARIES": str(bundled_eval_set()),
        "WINNOW_CANARY_DECODERS": '[{"strategy": "cot_decoding", "k": 5}]',
        "WINNOW_CANARY_INTERVAL_S": "1",
        "WINNOW_CANARY_PROBLEMS": "20",
    }
    flags = ("--served-model-name", "pocket")
    with running_server(str(checkpoint), log, *flags, environment=environment, port=port) as server:
        yield server


def value(prometheus: Prometheus, expression: str) -> float:
    found = prometheus.query(expression)
    return float(found[0]["value"][1]) if found else 0.0


def state(prometheus: Prometheus) -> str:
    (rule,) = [rule for rule in prometheus.rules() if rule["name"] == ALERT]
    found: str = rule["state"]
    return found


def test_alert_fires_within_its_window_of_a_swap(damaged: Path, tmp_path: Path) -> None:
    port = free_port()
    config = hurried(f"http://127.0.0.1:{port}", tmp_path, WINDOWS)
    with running_prometheus(config, tmp_path / "storage") as prometheus:
        with serving(bundled_checkpoint(), port, tmp_path / "good.log"):
            wait_until(lambda: value(prometheus, JUDGED) > ENOUGH, 240, "judged")
            assert state(prometheus) == "inactive"
        with serving(damaged, port, tmp_path / "damaged.log"):
            wait_until(lambda: state(prometheus) == "firing", 400, "seen")
            (alert,) = prometheus.query(f'ALERTS{{alertname="{ALERT}"}}')
    assert alert["metric"]["strategy"] == "cot_decoding"
    assert alert["metric"]["model"] == "pocket"
