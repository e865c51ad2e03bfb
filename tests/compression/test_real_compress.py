"""`winnow compress` as a user runs it: the tools in their environments, vLLM, the server."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from compression.calibration import bundled_calibration
from compression.proof import read_proof
from compression.recipes import load_recipe
from compression.samples import bundled_text
from compression.serving_support import hardware_here, refusal
from tests.random_checkpoints import make_checkpoint
from tests.server.questions import Json, held_out
from tests.server.server_process import WINNOW, running_server

pytestmark = pytest.mark.vllm
TIMEOUT_S = 500.0
EXIT_FAILED, EXIT_USAGE, EXIT_REFUSED, EXIT_INTERRUPTED = 1, 2, 3, 130
ENVIRONMENTS = WINNOW.parent.parent / "compress"
"""Kept from one run of the tests to the next."""
NUM_TEXTS = 16
QUESTIONS = [
    json.loads(line)["question"] for line in bundled_calibration().read_text().splitlines()
]


def command(*arguments: object) -> list[str]:
    return [str(WINNOW), "compress", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "WINNOW_COMPRESS_ENV": str(ENVIRONMENTS), **changes}


def compress(*arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("pocket", *arguments),
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], Path]:
    """A file with steps that read little text."""

    def write(steps: str) -> Path:
        file = tmp_path / "own.yaml"
        file.write_text(f"steps: [{steps}]")
        return file

    return write


@pytest.fixture
def little(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """Flags of a proof that asks and reads little."""
    text = tmp_path_factory.mktemp("text") / "held_out.jsonl"
    text.write_text("".join(bundled_text().read_text().splitlines(keepends=True)[:NUM_TEXTS]))
    return ["--text", text, "--decoders", "cot_decoding", "--limit", 8, "--rounds", 1]


def error_of(finished: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in finished.stderr
    (line,) = [one for one in finished.stderr.splitlines() if one.startswith("winnow compress: e")]
    return line


def files_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(errors="replace") for path in folder.iterdir()}


def test_checkpoint_is_made_proved_and_served(
    tmp_path: Path, recipe: Callable[[str], Path], little: list[object]
) -> None:
    out = tmp_path / "small"
    steps = recipe("{kind: w8a8, num_samples: 16}")
    made = compress("--recipe", steps, "--out", out, *little, "--max-accuracy-drop", "10")
    assert made.returncode == 0, made.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"small", "own.yaml"}
    proof = read_proof(out)
    assert proof.compressed.name == "small"
    assert proof.compressed.disk_bytes < 0.65 * proof.original.disk_bytes
    # Linear layers are 1.2 of 1.4 million parameters; kernels keep the embedding twice.
    assert 0.5 < proof.compressed.memory_bytes / proof.original.memory_bytes < 0.9
    assert proof.text is not None
    assert proof.text.fidelity is not None
    assert proof.text.fidelity.top1_agreement > 0.97
    record = json.loads((out / "winnow_compression.json").read_text())
    assert record["source"]["name"] == "pocket"
    assert record["recipe"]["steps"][0]["num_samples"] == 16
    assert record["calibration"]["file"] == "calibration_text.jsonl"
    assert record["versions"]["llmcompressor"]["llmcompressor"] == "0.14.0.1"
    for name, text in files_of(out).items():
        assert not any(question in text for question in QUESTIONS), name
    drawn = ["report", out, "--plot", tmp_path / "figure.svg"]
    assert subprocess.run(command(*drawn), timeout=TIMEOUT_S).returncode == 0
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")
    with running_server(str(out), tmp_path / "log", "--served-model-name", "small") as server:
        assert "winnow: compressed from pocket: 0.6" in server.log.read_text()
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
            rights = [_is_right(client, problem) for problem in held_out(4)]
    assert sum(rights) >= 3


def _is_right(client: openai.OpenAI, problem: Json) -> bool:
    reply = client.chat.completions.create(
        model="small",
        messages=[{"role": "user", "content": problem["question"]}],
        extra_body={"decoding": {"strategy": "cot_decoding"}},
        max_completion_tokens=100,
    )
    decoding = (reply.model_extra or {})["decoding"]
    return str(decoding["answer"]) == str(problem["gold"])


@pytest.mark.parametrize(
    ("steps", "ratio"),
    [
        ("{kind: w4a16, method: awq, num_samples: 4}", 0.40),
        ("{kind: w4a16, tool: optimum, num_samples: 4}", 0.41),
        ("{kind: kv_cache, num_samples: 4}", 1.0),
        (
            "{kind: prune, ffn_width: 256, num_samples: 8}, "
            "{kind: sparsify, pattern: '2:4', num_samples: 4}, {kind: w8a8, num_samples: 4}",
            0.46,
        ),
    ],
)
def test_vllm_loads_what_each_tool_makes(
    tmp_path: Path, recipe: Callable[[str], Path], steps: str, ratio: float
) -> None:
    out = tmp_path / "small"
    file = recipe(steps)
    is_served = refusal(load_recipe(str(file)), hardware_here()) is None
    forced = () if is_served else ("--force",)
    made = compress("--recipe", file, "--out", out, "--no-proof", *forced)
    assert made.returncode == 0, made.stderr
    assert made.stdout == f"made {out}, not proved\n"
    assert ("as was to be expected" in made.stderr) != is_served
    weights = sum(path.stat().st_size for path in out.glob("*.safetensors"))
    assert weights / 2_889_968 == pytest.approx(ratio, abs=0.01)
    for name, text in files_of(out).items():
        assert not any(question in text for question in QUESTIONS), name


def test_model_without_layers_to_quantize(tmp_path: Path, recipe: Callable[[str], Path]) -> None:
    """GPT-2's are of a kind of their own."""
    other = make_checkpoint(tmp_path / "other", "gpt2")
    arguments = (other, "--recipe", "w8a8-rtn", "--out", tmp_path / "small", "--no-proof")
    failed = subprocess.run(
        command(*arguments), env=environment(), capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert failed.returncode == EXIT_USAGE
    assert error_of(failed).endswith("llmcompressor finds nothing to quantize in its architecture")
    assert not (tmp_path / "small").exists()


def test_gate_keeps_the_original(
    tmp_path: Path, recipe: Callable[[str], Path], little: list[object]
) -> None:
    out = tmp_path / "small"
    steps = recipe("{kind: prune, fraction: 0.5, num_samples: 16}")
    made = compress("--recipe", steps, "--out", out, *little, "--max-accuracy-drop", "1")
    assert made.returncode == EXIT_REFUSED, made.stderr
    assert "--max-accuracy-drop allows 1" in made.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"small.rejected", "own.yaml"}
    proof = read_proof(tmp_path / "small.rejected")
    assert proof.text is not None
    assert proof.text.fidelity is not None
    assert proof.text.fidelity.kl_mean > 0.01
    assert proof.text.fidelity.top1_agreement < 1.0
    assert proof.text.compressed_perplexity > proof.text.original_perplexity
    (task,) = proof.tasks
    assert task.change.high < 0


def test_what_cannot_be_served_here_is_made_if_forced(
    tmp_path: Path, recipe: Callable[[str], Path]
) -> None:
    out = tmp_path / "small"
    steps = recipe("{kind: nvfp4, num_samples: 4}")
    made = compress("--recipe", steps, "--out", out, "--force")
    assert made.returncode == 0, made.stderr
    assert f"as was to be expected, checkpoint {tmp_path}" in made.stderr
    assert "vLLM cannot load it" in made.stderr
    config = json.loads((out / "config.json").read_text())
    assert config["quantization_config"]["format"] == "nvfp4-pack-quantized"


def test_interrupted_work_goes_on(tmp_path: Path, recipe: Callable[[str], Path]) -> None:
    out = tmp_path / "small"
    steps = "{kind: prune, fraction: 0.25, num_samples: 8}, {kind: heal, steps: 20, save_every: 1}"
    arguments = ("--recipe", recipe(steps), "--out", out, "--no-proof")
    ignoring = ["bash", "-c", 'trap "" INT; exec "$@"', "background"]  # as a shell's jobs do
    begun = subprocess.Popen(
        [*ignoring, *command("pocket", *arguments)],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + TIMEOUT_S
    state = tmp_path / "small.partial" / "step-2-heal.part.healing"
    while not state.exists():
        assert begun.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    begun.send_signal(signal.SIGTERM)
    _, said = begun.communicate(timeout=TIMEOUT_S)
    assert begun.returncode == EXIT_INTERRUPTED
    assert said.endswith("winnow compress: interrupted\n")
    assert not out.exists()
    assert (tmp_path / "small.partial" / "step-1-prune").is_dir()
    made = compress(*arguments)
    assert made.returncode == 0, made.stderr
    assert "pruning" not in made.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"small", "own.yaml"}
    record = json.loads((out / "winnow_compression.json").read_text())
    assert [step.partition(":")[0] for step in record["steps"]] == ["prune", "heal"]


def test_what_the_tool_says_comes_back_as_a_line(
    tmp_path: Path, recipe: Callable[[str], Path]
) -> None:
    text = tmp_path / "text.jsonl"
    text.write_text('{"text": "a"}\n')
    flags = ("--calibration", text, "--out", tmp_path / "small")
    failed = compress("--recipe", recipe("{kind: w8a8}"), *flags)
    assert failed.returncode == EXIT_FAILED
    line = error_of(failed)
    assert "llmcompressor, w8a8: calibration: no sample has two tokens or more" in line
    assert not (tmp_path / "small").exists()


def test_environment_that_cannot_be_made_is_a_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    flags = ("--recipe", "w8a8-rtn", "--out", tmp_path / "small")
    failed = compress(*flags, WINNOW_COMPRESS_ENV=str(file))
    assert failed.returncode == EXIT_FAILED
    assert f"llmcompressor cannot be set up in {file}/llmcompressor-" in error_of(failed)
