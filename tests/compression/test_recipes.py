from pathlib import Path

import pytest

from compression.errors import UnusableInput
from compression.recipes import RECIPES, load_recipe, to_yaml


@pytest.mark.parametrize("name", RECIPES)
def test_yaml_of_a_recipe_is_that_recipe(name: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(to_yaml(RECIPES[name]))
    assert load_recipe(str(file)) == load_recipe(name) == RECIPES[name]


def refused(tmp_path: Path, text: str) -> str:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(UnusableInput) as caught:
        load_recipe(str(file))
    message = str(caught.value)
    assert message.startswith(f"--recipe {file}: ")
    assert "\n" not in message
    return message.removeprefix(f"--recipe {file}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "valid dictionary"),
        ("steps: [", "while parsing"),
        ("\x00", "special characters are not allowed"),
        ("steps: []", "steps: Tuple should have at least 1 item"),
        ("steps: [{kind: w7a7}]", "'w8a8'"),
        ("steps: [{kind: w8a8, bits: 8}]", "steps.0.w8a8.bits: Extra inputs are not permitted"),
        ("steps: [{kind: w8a8, method: awq}]", "'gptq' or 'rtn', got 'awq'"),
        ("steps: [{kind: w4a16, group_size: 48}]", "32, 64 or 128, got 48"),
        ("steps: [{kind: w4a16, tool: optimum, method: awq}]", "method must be gptq with tool"),
        ("steps: [{kind: w8a8, num_samples: 0}]", "num_samples: Input should be greater"),
        ("steps: [{kind: sparsify, pattern: '2:4', sparsity: 0.6}]", "sparsity must be 0.5"),
        ("steps: [{kind: prune}]", "either fraction, or one or more of"),
        (
            "steps: [{kind: w8a8}, {kind: prune, fraction: 0.5}]",
            "step 2, prune, cannot follow w8a8: a quantized checkpoint is the last",
        ),
        ("steps: [{kind: heal}]", "step 1, heal, needs something to heal: prune before it"),
        (
            "steps: [{kind: prune, fraction: 0.5}, {kind: sparsify}, {kind: heal}]",
            "step 3, heal, cannot follow sparsify: it fills the zeros",
        ),
        (
            "steps: [{kind: sparsify}, {kind: prune, fraction: 0.5}]",
            "step 2, prune, cannot follow sparsify: it fills the zeros",
        ),
        (
            "steps: [{kind: prune, fraction: 0.5}, {kind: w4a16}]",
            "width_multiple must be a multiple of w4a16's group_size (128), got 32",
        ),
        ("steps: [{kind: w8a8}]\nsteps: [{kind: w4a16}]", "'steps' is given twice"),
        ("steps: [{kind: w8a8, num_samples: true}]", "num_samples: Input should be a valid int"),
        ("steps: [{kind: prune, fraction: '0.25'}]", "fraction: Input should be a valid number"),
        ("steps: 2020-13-45", "month must be in 1..12"),
        pytest.param("[" * 3000, "recursion", id="deep"),
        pytest.param(f"steps: [{{kind: w8a8, method: {'x' * 999}}}]", "[...]", id="long"),
    ],
)
def test_files_that_are_no_recipe_are_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_names_are_told_where_one_is_unknown() -> None:
    with pytest.raises(UnusableInput, match=r"one of w8a8, .* ends in .yaml, got 'w9'"):
        load_recipe("w9")


def test_file_that_is_not_there() -> None:
    with pytest.raises(UnusableInput, match=r"nowhere.yml: No such file"):
        load_recipe("nowhere.yml")
