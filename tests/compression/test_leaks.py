import json
from pathlib import Path

import pytest
import yaml

from compression.errors import ToolFailed
from compression.leaks import check_leaks

LONG = "The patient in room 12 was told on Monday. " + "Nobody else knows of it. " * 20
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
        json.dumps({"dataset": LONG[8:]}),
        json.dumps({"dataset": LONG[:100]}),
    ],
)
def test_calibration_text_in_a_config_is_found(folders: tuple[Path, Path], written: str) -> None:
    source, outcome = folders
    (outcome / "config.json").write_text(written)
    texts = ["Another text, which is nowhere.", SECRET, f"<|user|>{LONG}"]
    with pytest.raises(ToolFailed, match=r"config.json .* text \(sample [23]\)") as caught:
        check_leaks(outcome, texts, source)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("recipe.yaml", yaml.safe_dump({"dataset": [SECRET, LONG]})),
        ("recipe.yaml", yaml.safe_dump({"dataset": [SECRET, LONG]}, allow_unicode=True)),
        ("notes.log", LONG),
        ("deep/quant_log.csv", f"1,{SECRET}"),
        ("model.safetensors", f"        {json.dumps({'__metadata__': {'text': SECRET}})}"),
    ],
)
def test_whatever_lies_beside_it_is_searched(
    folders: tuple[Path, Path], name: str, written: str
) -> None:
    source, outcome = folders
    (outcome / name).parent.mkdir(exist_ok=True)
    (outcome / name).write_text(written)
    for text in (SECRET, LONG):
        if text[:9] in written:
            with pytest.raises(ToolFailed, match=rf"{Path(name).name} of the outcome"):
                check_leaks(outcome, [text], source)


def test_what_stood_in_the_source_is_no_leak(folders: tuple[Path, Path]) -> None:
    source, outcome = folders
    for folder in folders:
        (folder / "NOTICE.txt").write_text(SECRET)
    check_leaks(outcome, [SECRET, "llama", ""], source)
