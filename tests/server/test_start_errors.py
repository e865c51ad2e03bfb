"""A checkpoint that cannot be served: one clear line and exit code 2."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.server_process import START_TIMEOUT_S, WINNOW, free_port

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
    finished = subprocess.run(
        [WINNOW, "serve", str(folder), "--port", str(free_port())],
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
    )
    assert finished.returncode == 2
    (line,) = [s for s in finished.stderr.splitlines() if s.startswith("winnow: error:")]
    assert str(folder) in line
    assert said in line
    assert "Traceback" not in finished.stdout + finished.stderr


def test_kv_cache_that_ruins_answers_is_refused() -> None:
    finished = subprocess.run(
        [WINNOW, "serve", "pocket", "--kv-cache-dtype", "int8_per_token_head"],
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
    )
    assert finished.returncode == 2
    (line,) = [s for s in finished.stderr.splitlines() if s.startswith("winnow: error:")]
    assert "--kv-cache-dtype on a CPU must be one of auto, " in line
    assert "got int8_per_token_head" in line
