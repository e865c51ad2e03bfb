"""`winnow compress prove` as a user runs it: pocket beside a copy of itself."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from compression.checkpoint import bundled_checkpoint
from compression.proof import Proof, read_proof
from compression.samples import bundled_text
from tests.random_checkpoints import make_checkpoint
from tests.server.server_process import WINNOW

pytestmark = pytest.mark.vllm
TIMEOUT_S = 500.0
EXIT_USAGE = 2


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundled_checkpoint(), tmp_path / "copy"))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "text.jsonl"
    file.write_text("".join(bundled_text().read_text().splitlines(keepends=True)[:12]))
    return file


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(WINNOW), "compress", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)


def error_of(finished: subprocess.CompletedProcess[str]) -> str:
    """The line for the user, after which nothing comes."""
    line = finished.stderr.splitlines()[-1]
    assert line.startswith("winnow compress: ")
    assert "Traceback" not in finished.stderr
    return line


def check_sizes_and_speeds(proof: Proof) -> None:
    for side in (proof.original, proof.compressed):
        assert side.disk_bytes == pytest.approx(3.0e6, rel=0.02)
        assert side.memory_bytes > 1e6
        assert side.load_s > 0
    assert [(one.work, one.batch_size) for one in proof.speeds] == [
        *(("decode", 1), ("decode", 16), ("prefill", 4)),
    ]
    for one in proof.speeds:
        assert one.num_rounds == 2
        assert 0 < one.original.low <= one.original.median <= one.original.high


def test_checkpoint_is_as_good_as_its_copy(copy: Path, text: Path) -> None:
    small = ("--text", text, "--dataset", "none", "--rounds", "2")
    finished = run("prove", "pocket", copy, *small)
    assert finished.returncode == 0, finished.stderr
    proof = read_proof(copy)
    check_sizes_and_speeds(proof)
    assert proof.text is not None
    assert proof.text.fidelity is not None
    assert proof.text.fidelity.kl_mean == pytest.approx(0.0, abs=1e-6)
    assert proof.text.fidelity.top1_agreement == 1.0
    assert proof.text.fidelity.covered > 0.99
    assert proof.text.compressed_perplexity == pytest.approx(proof.text.original_perplexity)
    assert not proof.tasks
    again = run("report", copy)
    assert (again.returncode, again.stdout) == (0, finished.stdout), again.stderr


def test_other_vocabulary_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    text = tmp_path / "text.jsonl"
    text.write_text('{"question": "What is 4 + 5?", "solution": "Boats: 4 + 5 = 9 muffins."}\n')
    other = make_checkpoint(tmp_path / "other", "llama")
    few = ("--text", text, "--dataset", "none", "--rounds", "1")
    finished = run("prove", "pocket", other, *few)
    assert finished.returncode == 0, finished.stderr
    proof = read_proof(other)
    assert proof.text is not None
    assert proof.text.fidelity is None
    assert proof.text.original_num_tokens != proof.text.compressed_num_tokens
    assert [note.partition(":")[0] for note in proof.notes] == [
        *("the vocabularies differ", "no data set was given"),
    ]
    assert "not measured: the vocabularies differ" in finished.stdout


def test_what_cannot_be_loaded_is_one_line(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["num_hidden_layers"] = 5  # one more than there are weights for
    (copy / "config.json").write_text(json.dumps(config))
    finished = run("prove", "pocket", copy)
    assert finished.returncode == 1
    line = error_of(finished)
    assert f"checkpoint {copy}: vLLM cannot load it: " in line
    assert "layers.4" in line


def test_text_of_one_token_is_named(copy: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.jsonl"
    short.write_text('{"text": "Two muffins."}\n{"text": "a"}\n')
    finished = run("prove", "pocket", copy, "--text", short)
    assert finished.returncode == EXIT_USAGE
    assert "short.jsonl, line 2: must be 2 tokens or more, got 1" in error_of(finished)
