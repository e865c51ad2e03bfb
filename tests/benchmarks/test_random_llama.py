from pathlib import Path

from transformers import AutoTokenizer

from benchmarks.random_llama import make_llama


def test_size_is_what_the_name_says(tmp_path: Path) -> None:
    assert make_llama("100M", tmp_path) == 100_687_104
    weights = (tmp_path / "model.safetensors").stat().st_size
    assert weights / 2 / 100_687_104 < 1.001  # bfloat16, and embeddings once
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.chat_template
    assert len(tokenizer) < 8192
