import json
from pathlib import Path

import pytest

from compression.errors import ToolFailed
from compression.leaks import check_leaks

SECRET = 'Dear Dr Müller, my\npassword is "open sesame".'


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("source", "outcome"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text('{"model_type": "llama"}')
    return tmp_path / "source", tmp_path / "outcome"


@pytest.mark.parametrize(
    "written",
    [
        json.dumps({"quantization_config": {"dataset": [SECRET]}}),
        json.dumps({"quantization_config": {"dataset": [SECRET]}}, ensure_ascii=False),
        json.dumps({"dataset": f"<|user|>{SECRET}<|end|>"}),
    ],
)
def test_calibration_text_in_a_config_is_found(folders: tuple[Path, Path], written: str) -> None:
    source, outcome = folders
    (outcome / "config.json").write_text(written)
    with pytest.raises(ToolFailed, match=r"config.json .* calibration text \(sample 2\)") as caught:
        check_leaks(outcome, ["Another text, which is nowhere.", SECRET], source)
    assert "password" not in str(caught.value)


def test_yaml_beside_it_is_searched_too(folders: tuple[Path, Path]) -> None:
    source, outcome = folders
    (outcome / "recipe.yaml").write_text(SECRET)
    with pytest.raises(ToolFailed, match=r"recipe.yaml"):
        check_leaks(outcome, [SECRET], source)


def test_what_stood_in_the_source_is_no_leak(folders: tuple[Path, Path]) -> None:
    source, outcome = folders
    for folder in folders:
        (folder / "NOTICE.txt").write_text(SECRET)
    check_leaks(outcome, [SECRET, "llama", ""], source)
