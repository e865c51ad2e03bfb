"""Writes a trained model as a Hugging Face folder in bfloat16."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pocket.training_state import TrainingState

FILE_MODE = 0o644


def export(state: TrainingState, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """The averaged weights, tokenizer and generation settings; replaces `folder` in one go."""
    model = _averaged(state)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]  # as above
        eos_token_id=model.config.eos_token_id, pad_token_id=model.config.pad_token_id
    )
    aside = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    model.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    for path in aside.iterdir():
        path.chmod(FILE_MODE)
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(aside, folder)


def _averaged(state: TrainingState) -> Any:
    """Any: the methods that transformers decorates lose their types."""
    model: Any = LlamaForCausalLM(state.model.config)  # type: ignore[no-untyped-call]
    model.load_state_dict(state.average.weights, strict=False)
    model.tie_weights()
    return model.to(torch.bfloat16)
