"""The text that steps calibrate by or heal with, as the model would read it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from compression.checkpoint import POCKET, name_of
from compression.errors import UnusableInput, UnusableText
from compression.samples import Sample, parse_samples, read_bytes


@dataclass(frozen=True)
class Calibration:
    """`texts` are rendered by the checkpoint's chat template; `digest` is the file's sha256."""

    file_name: str
    digest: str
    texts: tuple[str, ...] = field(repr=False)


def bundled_calibration() -> Path:
    """Problems of pocket's training with their solutions."""
    return Path(str(files(POCKET) / "calibration_text.jsonl"))


def read_calibration(given: Path | None, checkpoint: Path) -> Calibration:
    """`given`, or for pocket the text that comes with it.

    Raises:
        UnusableInput: none was given.
        UnusableText: a line of the file cannot be used.
    """
    file = given
    if file is None:
        if name_of(checkpoint) != POCKET:
            raise UnusableInput(
                "this recipe needs --calibration FILE.jsonl: text such as the checkpoint will be "
                "asked for, lines of {text}, {question, solution} or {messages}"
            )
        file = bundled_calibration()
    contents = read_bytes(file)  # once: it may be a pipe
    samples = parse_samples(contents, file)
    digest = hashlib.sha256(contents).hexdigest()
    return Calibration(file.name, digest, _rendered(samples, file, checkpoint))


def _rendered(samples: Sequence[Sample], file: Path, checkpoint: Path) -> tuple[str, ...]:
    from transformers import AutoTokenizer  # takes seconds, which other commands need not

    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
    except Exception as failure:  # a broken file gives whatever it runs into
        reason = next(iter(str(failure).splitlines()), type(failure).__name__)
        raise UnusableInput(f"checkpoint {checkpoint}: tokenizer: {reason}") from None
    needing = next((one for one in samples if one.text is None), None)
    if needing is not None and tokenizer.chat_template is None:
        raise UnusableText(
            f"{file}, line {needing.line}: needs a chat template, and {checkpoint} has none; give "
            'lines of {"text"}'
        )
    return tuple(_render(sample, file, tokenizer) for sample in samples)


def _render(sample: Sample, file: Path, tokenizer: Any) -> str:
    """`tokenizer` is Any: transformers gives its tokenizers no usable types."""
    if sample.text is not None:
        return sample.text
    messages = [message.model_dump() for message in sample.messages]
    try:
        text: str = tokenizer.apply_chat_template(messages, tokenize=False)
    except TemplateError as failure:
        raise UnusableText(
            f"{file}, line {sample.line}: the chat template refuses it: {failure}"
        ) from None
    return text
