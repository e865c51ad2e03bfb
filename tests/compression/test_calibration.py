import hashlib
import os
from pathlib import Path
from threading import Thread

import pytest

from compression.calibration import bundled_calibration, read_calibration
from compression.checkpoint import bundled_checkpoint
from compression.errors import UnusableInput, UnusableText
from tests.random_checkpoints import make_checkpoint


def test_pocket_has_its_own_text_in_its_template() -> None:
    calibration = read_calibration(None, bundled_checkpoint())
    assert calibration.file_name == "calibration_text.jsonl"
    assert calibration.digest == hashlib.sha256(bundled_calibration().read_bytes()).hexdigest()
    assert len(calibration.texts) == 512
    for text in calibration.texts:
        assert text.startswith("<|user|>")
        assert text.count("<|assistant|>") == 1
        assert text.endswith("<|end|>")


def test_other_checkpoints_need_text_of_their_own(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path / "other", "llama")
    with pytest.raises(UnusableInput, match=r"needs --calibration FILE.jsonl"):
        read_calibration(None, checkpoint)
    file = tmp_path / "text.jsonl"
    file.write_text('{"text": "Running text."}\n{"question": "1 + 1?", "answer": "2"}\n')
    assert read_calibration(file, checkpoint).texts == (
        "Running text.",
        "<|user|>1 + 1?<|end|><|assistant|>2<|end|>",
    )


def test_conversation_needs_a_chat_template(tmp_path: Path) -> None:
    base = make_checkpoint(tmp_path / "base", "gpt2")
    file = tmp_path / "text.jsonl"
    file.write_text('{"text": "Running text."}\n')
    assert read_calibration(file, base).texts == ("Running text.",)
    file.write_text('{"text": "Running text."}\n{"question": "1 + 1?", "answer": "2"}\n')
    with pytest.raises(UnusableText, match=r"text.jsonl, line 2: needs a chat template"):
        read_calibration(file, base)


def test_conversation_that_the_template_refuses_is_named(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path / "other", "llama")
    (checkpoint / "chat_template.jinja").write_text("{{ raise_exception('no system role') }}")
    file = tmp_path / "text.jsonl"
    file.write_text('{"question": "1 + 1?", "answer": "2"}\n')
    with pytest.raises(UnusableText, match="line 1: the chat template refuses it: no system role"):
        read_calibration(file, checkpoint)


def test_broken_tokenizer_is_named(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path / "other", "llama")
    (checkpoint / "tokenizer.json").write_text("{}")
    with pytest.raises(UnusableInput, match=r"other: tokenizer: "):
        read_calibration(bundled_calibration(), checkpoint)


def test_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    line = b'{"text": "Running text."}\n'
    writing = Thread(target=pipe.write_bytes, args=(line,))
    writing.start()
    calibration = read_calibration(pipe, bundled_checkpoint())
    writing.join()
    assert calibration.digest == hashlib.sha256(line).hexdigest()


def test_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "text.jsonl"
    file.write_text('{"text": "Running text."}\n{"text": 1}\n')
    with pytest.raises(UnusableText, match=r"text.jsonl, line 2: text: "):
        read_calibration(file, bundled_checkpoint())
