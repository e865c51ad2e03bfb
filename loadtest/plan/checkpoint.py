"""What a checkpoint takes of memory, read from its folder: `config.json` and `*.safetensors`.

    KV bytes of a token = 2 (keys, values) · layers · KV heads · head_dim · bytes of an element
    matrix parameters   = layers · (2 · hidden · heads · head_dim + 2 · hidden · KV heads · head_dim
                          + 3 · hidden · intermediate) + hidden · vocabulary

The second is what a token is multiplied with (gated MLP, biases and norms left out), so 2 floating
point operations each. Where no weights lie beside the config, their bytes follow from it.

Refused are models whose cache is not of this form: multi-head latent attention (MLA), state-space
and other recurrent layers. Of a sliding window the formula keeps more than vLLM does.
"""

import json
import struct
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from measurement.serving import POCKET

ELEMENT_BYTES = 2
"""float32 checkpoints, too, are served in 16 bits unless --dtype says otherwise."""
FILE_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
ATTENTION = frozenset({"full_attention", "sliding_attention", "attention"})
LATENT = "kv_lora_rank"
RECURRENT = ("mamba", "ssm_", "linear_num_", "recurrent", "rwkv", "layers_block_type")
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
HEADER_LENGTH = struct.Struct("<Q")


class UnusableCheckpoint(Exception):
    """The message names the folder and what cannot be reckoned with."""


@dataclass(frozen=True)
class Checkpoint:
    """`matrix_parameters` is None of a mixture of experts: a token meets some of them only."""

    name: str
    num_layers: int
    num_kv_heads: int
    head_dim: int
    weight_bytes: int
    matrix_parameters: int | None
    max_model_len: int | None

    @property
    def kv_bytes_per_token(self) -> int:
        return 2 * self.num_layers * self.num_kv_heads * self.head_dim * ELEMENT_BYTES


def read_checkpoint(folder: str) -> Checkpoint:
    """`folder` may be `pocket`, the bundled one.

    Raises:
        UnusableCheckpoint: there is no readable config, or its cache has another form.
    """
    path = Path(str(files(POCKET) / "checkpoint")) if folder == POCKET else Path(folder)
    whole = _read_config(path)
    config = {**whole, **whole.get("text_config", {})}  # of models that see, the part that writes
    _refuse_other_caches(path, config)
    hidden, heads = _whole(path, config, "hidden_size"), _whole(path, config, "num_attention_heads")
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or hidden // heads
    layers = _whole(path, config, "num_hidden_layers")
    dtype = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")
    if dtype not in FILE_BYTES:
        raise UnusableCheckpoint(
            f"{path}: dtype must be one of {', '.join(FILE_BYTES)}, got {dtype!r}"
        )
    attention = 2 * hidden * heads * head_dim + 2 * hidden * kv_heads * head_dim
    num_embedded = hidden * _whole(path, config, "vocab_size")
    has_experts = any(config.get(name) for name in EXPERTS)
    matrices = None
    if not has_experts:
        mlp = 3 * hidden * _whole(path, config, "intermediate_size")
        matrices = layers * (attention + mlp) + num_embedded
    return Checkpoint(
        name=POCKET if folder == POCKET else str(path),
        num_layers=layers,
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        weight_bytes=_weight_bytes(path, config, matrices, num_embedded, FILE_BYTES[dtype]),
        matrix_parameters=matrices,
        max_model_len=config.get("max_position_embeddings"),
    )


def _read_config(path: Path) -> dict[str, Any]:  # JSON
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise UnusableCheckpoint(
            f"{path}: config.json cannot be read ({failure}); "
            "--checkpoint takes a folder or 'pocket'"
        ) from None
    if not isinstance(config, dict):
        raise UnusableCheckpoint(f"{path}: config.json must hold an object")
    return config


def _refuse_other_caches(path: Path, config: dict[str, Any]) -> None:
    if config.get(LATENT):
        raise UnusableCheckpoint(
            f"{path}: {LATENT} says that it caches latents (MLA), whose size is not known here"
        )
    recurrent = [name for name in config if name.startswith(RECURRENT) and config[name]]
    others = sorted(set(map(str, config.get("layer_types") or ())) - ATTENTION)
    if recurrent or others:
        raise UnusableCheckpoint(
            f"{path}: {', '.join([*recurrent, *others])}: layers without a KV cache of this form"
        )


def _whole(path: Path, config: dict[str, Any], name: str) -> int:
    value = config.get(name)
    if not isinstance(value, int) or value < 1:
        raise UnusableCheckpoint(
            f"{path}: config.json must have {name}, a whole number from 1 on, got {value!r}"
        )
    return value


def _weight_bytes(
    path: Path, config: dict[str, Any], matrices: int | None, num_embedded: int, file_bytes: int
) -> int:
    # Mistral's folders hold the same weights a second time in consolidated.safetensors.
    weights = [f for f in path.glob("*.safetensors") if not f.name.startswith("consolidated")]
    if weights:
        on_disk = sum(map(_tensor_bytes, weights))
        return on_disk * ELEMENT_BYTES // file_bytes
    if matrices is None or config.get("quantization_config"):
        raise UnusableCheckpoint(f"{path}: its size does not follow from the config alone; the "
                                 "*.safetensors files are needed")  # fmt: skip
    is_tied = bool(config.get("tie_word_embeddings"))
    return (matrices + (0 if is_tied else num_embedded)) * ELEMENT_BYTES


def _tensor_bytes(file: Path) -> int:
    """Bytes of a safetensors file's tensors: all behind the header, whose length comes first."""
    with file.open("rb") as opened:
        start = opened.read(HEADER_LENGTH.size)
    if len(start) < HEADER_LENGTH.size:
        raise UnusableCheckpoint(f"{file}: no safetensors file (perhaps a pointer of Git LFS)")
    (length,) = HEADER_LENGTH.unpack(start)
    if (rest := file.stat().st_size - HEADER_LENGTH.size - length) < 0:
        raise UnusableCheckpoint(f"{file}: no safetensors file (perhaps a pointer of Git LFS)")
    return int(rest)
