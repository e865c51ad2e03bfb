"""The weights of a checkpoint by their shapes, without loading them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from compression.errors import UnusableInput

NOT_QUANTIZED = ("embed", "wte", "wpe", "lm_head")
"""Parts of names: the tables of tokens and the projection to them stay as they are."""
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1}


@dataclass(frozen=True)
class Weight:
    """`shape` is `(out_features, in_features)` of a linear layer's."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def num_parameters(self) -> int:
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        return self.num_parameters * BYTES.get(self.dtype, 1)

    @property
    def is_linear(self) -> bool:
        """Whether quantization takes it."""
        is_matrix = len(self.shape) == 2 and self.name.endswith(".weight")
        return is_matrix and not any(part in self.name for part in NOT_QUANTIZED)


def read_weights(folder: Path) -> tuple[Weight, ...]:
    """The weights of all `*.safetensors` in the folder.

    Raises:
        UnusableInput: the folder has no safetensors, or one of them is broken.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise UnusableInput(f"checkpoint {folder}: no *.safetensors in the folder")
    weights: list[Weight] = []
    for file in files:
        try:
            weights += _weights_of(file)
        except (SafetensorError, OSError) as failure:
            raise UnusableInput(f"checkpoint {folder}: {file.name}: {failure}") from None
    return tuple(weights)


def _weights_of(file: Path) -> Iterator[Weight]:
    with safe_open(file, framework="pt") as opened:
        for name in opened.keys():  # noqa: SIM118  # it is no mapping
            part = opened.get_slice(name)
            yield Weight(name, tuple(part.get_shape()), part.get_dtype())
