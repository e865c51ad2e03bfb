"""A checkpoint that cannot be served: one clear line and exit code 2."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from measurement.machine import free_port
from tests.server.server_process import refused_start

pytestmark = pytest.mark.vllm
CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
ODD_CONFIG = {"architectures": ["OddForCausalLM"], "model_type": "llama"}
ODD_TYPE = {"architectures": ["OddForCausalLM"], "model_type": "odd"}


def empty(folder: Path) -> None:
    folder.mkdir()


def missing(folder: Path) -> None:
    pass


def with_config(content: str, *, has_weights: bool = True) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "config.json").write_text(content)
        if has_weights:
            (folder / "model.safetensors").write_bytes(b"")

    return make


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no such path": (missing, "no such file or folder"),
    "no config.json": (empty, "config.json is missing"),
    "broken JSON": (with_config('{"architectures": ['), "config.json: "),
    "not an object": (with_config("[]"), "names no architectures"),
    "no architectures": (with_config("{}"), "names no architectures"),
    "no weights": (with_config(json.dumps(CONFIG), has_weights=False), "no weights"),
    "unsupported architecture": (with_config(json.dumps(ODD_CONFIG)), "OddForCausalLM"),
    "unknown model type": (with_config(json.dumps(ODD_TYPE)), "odd"),
}


@pytest.mark.parametrize("case", CASES)
def test_unservable_checkpoint_is_one_line_and_exit_code_2(tmp_path: Path, case: str) -> None:
    make, said = CASES[case]
    folder = tmp_path / "checkpoint"
    make(folder)
    line = refused_start(tmp_path / "log", str(folder), "--port", str(free_port()))
    assert str(folder) in line
    assert said in line


def test_kv_cache_that_ruins_answers_is_refused(tmp_path: Path) -> None:
    line = refused_start(tmp_path / "log", "pocket", "--kv-cache-dtype", "int8_per_token_head")
    assert "--kv-cache-dtype on a CPU must be one of auto, " in line
    assert "got int8_per_token_head" in line
