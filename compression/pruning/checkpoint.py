"""Checkpoints as Hugging Face folders: opened, measured and written.

Only architectures whose smaller shapes vLLM loads unchanged are taken. Two of its and transformers'
limits on heads are known here: transformers' LlamaConfig is not saved unless `hidden_size` is a
multiple of the number of heads, and vLLM's Qwen2 takes the head size to be their ratio whatever
the config says.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from compression.pruning.errors import UnusableCheckpoint
from compression.pruning.shape import Shape, Sizes

LLAMA, QWEN2, QWEN3, MISTRAL = ARCHITECTURES = (
    "LlamaForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
    "MistralForCausalLM",
)
COPIED = (
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json", "chat_template*"),
    *("vocab.*", "merges.txt", "*.model", "generation_config.json", "LICENSE*", "NOTICE*"),
)
FILE_MODE = 0o644
"""Readable to a server that runs as another user; the libraries write some files as 0600."""


@dataclass
class Checkpoint:
    """A model in memory, evaluating, and the folder that it is of.

    `model`, `tokenizer` and `config` are Any: the classes behind transformers' Auto factories
    carry no usable types.
    """

    folder: Path
    model: Any
    tokenizer: Any
    dtype: torch.dtype

    @property
    def config(self) -> Any:
        return self.model.config

    @property
    def layers(self) -> Sequence[Any]:
        layers: Sequence[Any] = self.model.model.layers
        return layers

    @property
    def num_parameters(self) -> int:
        """Tied ones count once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def shape(self) -> Shape:
        config = self.config
        return Shape(config.num_hidden_layers, config.intermediate_size, config.num_key_value_heads)

    @property
    def sizes(self) -> Sizes:
        layer, shape = self.layers[0], self.shape
        attention, mlp = layer.self_attn, layer.mlp
        channel = _count(mlp.gate_proj, mlp.up_proj) + mlp.down_proj.weight.numel()
        group = _count(attention.q_proj, attention.k_proj, attention.v_proj)
        group += attention.o_proj.weight.numel()
        return Sizes(
            outside=self.num_parameters - _count(*self.layers),
            channel=channel // shape.ffn_width,
            group=group // shape.num_kv_groups,
            rest=_count(layer) - channel - group,
        )

    @property
    def allowed_groups(self) -> tuple[int, ...]:
        """The numbers of key-value groups that can be saved and served."""
        most = self.shape.num_kv_groups
        architecture = self.config.architectures[0]
        if architecture == QWEN2:
            return (most,)
        heads = self.config.num_attention_heads // most
        numbers = range(1, most + 1)
        if architecture == LLAMA:
            return tuple(n for n in numbers if self.config.hidden_size % (n * heads) == 0)
        return tuple(numbers)


def open_checkpoint(folder: Path) -> Checkpoint:
    """Load it as it is stored.

    Raises:
        UnusableCheckpoint: it is not there, not whole, quantized or of another architecture.
    """
    check_config(folder)
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype="auto", output_loading_info=True, local_files_only=True
        )
        model, report = loaded  # with this flag, a pair
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as failure:
        reason = next(iter(str(failure).splitlines()), type(failure).__name__)
        raise UnusableCheckpoint(f"checkpoint {folder}: {reason}") from None
    if missing := sorted(report["missing_keys"]):
        raise UnusableCheckpoint(f"checkpoint {folder}: has no weights {', '.join(missing)}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Checkpoint(folder, model.to(device).eval(), tokenizer, model.dtype)


def save_checkpoint(checkpoint: Checkpoint, out: Path) -> None:
    """Fill a folder with the model as it is now, and what goes along with it."""
    out.mkdir(parents=True, exist_ok=True)
    model = checkpoint.model.to(checkpoint.dtype)
    # The source's own settings are copied below: many that are in use are refused by transformers.
    model.generation_config = GenerationConfig.from_model_config(model.config)
    model.save_pretrained(out)
    for pattern in COPIED:
        for path in checkpoint.folder.glob(pattern):
            if path.is_file():
                shutil.copyfile(path, out / path.name)
    for path in out.iterdir():
        path.chmod(FILE_MODE)


def check_config(folder: Path) -> None:
    """Check that the checkpoint can be pruned, by its config alone.

    Raises:
        UnusableCheckpoint: it is quantized, its architecture is not pruned, its layers are of more
            than one type, or config.json cannot be read.
    """
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError) as failure:
        raise UnusableCheckpoint(f"checkpoint {folder}: config.json: {failure}") from None
    architectures = config.get("architectures") if isinstance(config, dict) else None
    if not isinstance(architectures, list) or architectures[0] not in ARCHITECTURES:
        allowed = ", ".join(ARCHITECTURES)
        found = ", ".join(map(str, architectures or ())) or "none"
        raise UnusableCheckpoint(
            f"checkpoint {folder}: architecture must be one of {allowed}, got {found}"
        )
    if config.get("quantization_config"):
        raise UnusableCheckpoint(
            f"checkpoint {folder}: is quantized already; prune and heal before quantizing"
        )
    if len(set(config.get("layer_types") or ())) > 1:
        kinds = ", ".join(sorted(set(config["layer_types"])))
        raise UnusableCheckpoint(
            f"checkpoint {folder}: layer_types must be alike in all layers, got {kinds}"
        )


def _count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())
