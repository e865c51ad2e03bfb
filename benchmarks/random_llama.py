"""Llamas of random weights, to measure speed on: `python -m benchmarks.random_llama SIZE DIR`.

Their words mean nothing; how fast they are is that of any Llama of their shape. Tokenizer and chat
template are pocket's, whose tokens are the first of their vocabulary.
"""

import argparse
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

VOCAB_SIZE = 8192
SHAPES = {
    "100M": {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 15,
             "num_attention_heads": 12, "num_key_value_heads": 4},
    "250M": {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 21,
             "num_attention_heads": 16, "num_key_value_heads": 4},
}  # fmt: skip
COPIED = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def make_llama(size: str, folder: Path) -> int:
    """Write it in bfloat16; the number of its parameters."""
    torch.manual_seed(0)
    shape: dict[str, Any] = SHAPES[size]  # some of LlamaConfig's many fields
    config = LlamaConfig(
        **shape,
        vocab_size=VOCAB_SIZE,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )
    model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
    model.save_pretrained(folder)
    for name in COPIED:
        shutil.copyfile(str(files("pocket") / "checkpoint" / name), folder / name)
    return int(model.num_parameters())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.random_llama", description=__doc__)
    parser.add_argument("size", choices=SHAPES)
    parser.add_argument("folder", type=Path, metavar="DIR")
    given = parser.parse_args()
    make_llama(given.size, given.folder)


if __name__ == "__main__":
    main()
