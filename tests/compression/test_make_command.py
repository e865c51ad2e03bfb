"""What cannot be done is told in a line before any work, and leaves nothing behind."""

import json
import shutil
from pathlib import Path

import pytest

from compression.checkpoint import bundled_checkpoint
from compression.command import main
from compression.proof import Serving
from compression.recipes import RECIPES
from tests.random_checkpoints import make_checkpoint

NOTHING_STARTED = Serving((), {})


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()  # of making a checkpoint
    assert main([str(one) for one in arguments], NOTHING_STARTED) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("winnow compress: error: ")
    return line.removeprefix("winnow compress: error: ")


@pytest.fixture
def quantized(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(bundled_checkpoint(), tmp_path / "quantized"))
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pocket", "--recipe", "w9"), "--recipe must be one of w8a8, "),
        (("nowhere", "--recipe", "w8a8"), "checkpoint nowhere: no such folder"),
        (("pocket", "--recipe", "nvfp4"), "recipe nvfp4: nvfp4 cannot be served on a CPU: "),
        (("pocket", "--recipe", "fp8-dynamic"), "far slower than 16 bits; --force to make it"),
        (
            ("pocket", "--recipe", "nvfp4", "--force", "--max-accuracy-drop", "1"),
            "--max-accuracy-drop is for the proof, which cannot be made: nvfp4 cannot be served",
        ),
        (
            ("pocket", "--recipe", "w8a8", "--no-proof", "--max-accuracy-drop", "1"),
            "--max-accuracy-drop is for the proof, which is left out by --no-proof",
        ),
        (
            ("pocket", "--recipe", "nvfp4", "--force", "--text", "pocket"),
            "--text is for the proof, which cannot be made: nvfp4 cannot be served",
        ),
        (
            ("pocket", "--recipe", "w8a8", "--no-proof", "--limit", "5"),
            "--limit is for the proof, which is left out by --no-proof",
        ),
        (("pocket", "--recipe", "w8a8", "--text", "nowhere.jsonl"), "nowhere.jsonl: No such file"),
        (
            ("pocket", "--recipe", "w8a8", "--dataset", "nowhere.jsonl"),
            "--dataset nowhere.jsonl: no such file",
        ),
        (("~no-one/x", "--recipe", "w8a8"), "~no-one/x: Could not determine home directory"),
        (
            ("pocket", "--recipe", "w8a8-rtn", "--calibration", "text.jsonl"),
            "--calibration text.jsonl: this recipe reads no text; leave it out",
        ),
        (
            ("pocket", "--recipe", "w8a8", "--calibration", "nowhere.jsonl"),
            "nowhere.jsonl: No such file or directory",
        ),
        (
            ("pocket", "--recipe", "w8a8", "--split", "held_out_numbers", "--dataset", "none"),
            "--split held_out_numbers goes with --dataset pocket, not none",
        ),
    ],
)
def test_refusals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in told(capsys, *arguments, "--out", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_output_that_exists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = told(capsys, "pocket", "--recipe", "w8a8", "--out", tmp_path)
    assert line == f"--out: {tmp_path} exists; remove it, or give another name"


def test_output_within_the_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Path(shutil.copytree(bundled_checkpoint(), tmp_path / "source"))
    line = told(capsys, source, "--recipe", "w8a8-rtn", "--out", source / "small")
    assert line.endswith("small: lies in the checkpoint's own folder")


def test_quantized_checkpoint(
    tmp_path: Path, quantized: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = told(capsys, quantized, "--recipe", "w8a8", "--out", tmp_path / "out")
    assert line == f"checkpoint {quantized}: is quantized already; give its original"


def test_architecture_that_is_not_pruned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_checkpoint(tmp_path / "other", "gpt2")
    line = told(capsys, other, "--recipe", "prune-25", "--out", tmp_path / "out")
    assert "architecture must be one of LlamaForCausalLM, " in line
    assert line.endswith("got GPT2LMHeadModel")


def test_groups_that_do_not_divide_a_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_checkpoint(tmp_path / "other", "llama")  # of hidden size 64
    line = told(capsys, other, "--recipe", "w4a16-rtn", "--out", tmp_path / "out")
    assert line.startswith("group_size must divide the inputs of every linear layer: model.layers.")
    assert line.endswith("_proj.weight has 64, got 128")


def test_empty_calibration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    flags = ("--recipe", "w8a8", "--calibration", empty, "--out", tmp_path / "out")
    assert told(capsys, "pocket", *flags) == f"{empty}: holds no line"


@pytest.mark.parametrize(
    "arguments", [("pocket",), ("pocket", "--recipe", "w8a8"), (), ("shrink", "pocket")]
)
def test_what_is_missing_is_named(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments, NOTHING_STARTED)
    assert caught.value.code == 2
    assert "--out" in capsys.readouterr().err


def test_list_shows_every_recipe_with_sizes_of_a_checkpoint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "pocket"], NOTHING_STARTED) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["recipe", *RECIPES, "here:"]
    (w8a8,) = [line for line in lines if line.startswith("w8a8 ")]
    assert w8a8.endswith("1.7 MB, 0.59 ×")


def test_show_gives_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "w8a8"], NOTHING_STARTED) == 0
    assert "- num_samples: 256\n" in capsys.readouterr().out
