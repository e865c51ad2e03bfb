"""Recipes: the steps that make one checkpoint of another, by name or as YAML."""

from textwrap import shorten
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compression.checkpoint import expanded
from compression.errors import UnusableInput
from compression.pruning.recipe import Heal, Prune
from compression.steps import (
    NVFP4,
    W4A16,
    W8A8,
    FP8Dynamic,
    KVCache,
    Quantization,
    Sparsify,
    Step,
)

SUFFIXES = (".yaml", ".yml")
MAX_QUOTED = 80


class Recipe(BaseModel):
    """Steps in the order in which they are done; healing is by the checkpoint that came first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _order_is_possible(self) -> "Recipe":
        quantized: str | None = None
        for number, step in enumerate(self.steps, start=1):
            if quantized is not None:
                raise ValueError(
                    f"step {number}, {step.kind}, cannot follow {quantized}: "
                    "a quantized checkpoint is the last that can be made"
                )
            if isinstance(step, Quantization):
                quantized = step.kind
            if isinstance(step, Heal) and not self._is_changed_before(number):
                raise ValueError(f"step {number}, heal, needs something to heal: prune before it")
            if isinstance(step, Prune | Heal) and self._is_sparse_before(number):
                raise ValueError(
                    f"step {number}, {step.kind}, cannot follow sparsify: it fills the zeros"
                )
            if isinstance(step, W4A16):
                self._check_widths(step)
        return self

    def _check_widths(self, quantize: W4A16) -> None:
        for step in self.steps:
            if isinstance(step, Prune) and step.width_multiple % quantize.group_size:
                raise ValueError(
                    f"prune's width_multiple must be a multiple of w4a16's group_size "
                    f"({quantize.group_size}), got {step.width_multiple}"
                )

    def _is_changed_before(self, number: int) -> bool:
        return any(isinstance(step, Prune) for step in self.steps[: number - 1])

    def _is_sparse_before(self, number: int) -> bool:
        return any(isinstance(step, Sparsify) for step in self.steps[: number - 1])


def _of(*steps: Step) -> Recipe:
    return Recipe(steps=steps)


RECIPES: dict[str, Recipe] = {
    "w8a8": _of(W8A8()),
    "w8a8-rtn": _of(W8A8(method="rtn", smoothing=0)),
    "w4a16": _of(W4A16()),
    "w4a16-awq": _of(W4A16(method="awq")),
    "w4a16-rtn": _of(W4A16(method="rtn")),
    "w4a16-optimum": _of(W4A16(tool="optimum")),
    "fp8-dynamic": _of(FP8Dynamic()),
    "nvfp4": _of(NVFP4()),
    "kv-cache-fp8": _of(KVCache()),
    "sparse-50": _of(Sparsify()),
    "sparse-2of4": _of(Sparsify(pattern="2:4")),
    "prune-25": _of(Prune(fraction=0.25)),
    "prune-25-heal": _of(Prune(fraction=0.25), Heal()),
    "prune-25-heal-w8a8": _of(Prune(fraction=0.25), Heal(), W8A8()),
}
"""By their names at `--recipe`."""


def load_recipe(name: str) -> Recipe:
    """One of RECIPES by its name, or that of a YAML file.

    Raises:
        UnusableInput: there is none of that name, or the file is no recipe.
    """
    if name in RECIPES:
        return RECIPES[name]
    file = expanded(name)
    if file.suffix not in SUFFIXES:
        raise UnusableInput(
            f"--recipe must be one of {', '.join(RECIPES)} or a file that ends in .yaml, "
            f"got {name!r}"
        )
    try:
        contents: Any = yaml.load(file.read_bytes(), _Loader)
    except OSError as failure:
        raise UnusableInput(f"--recipe {name}: {failure.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        raise UnusableInput(f"--recipe {name}: {' '.join(str(failure).split())}") from None
    try:
        return Recipe.model_validate(contents)
    except ValidationError as failure:
        raise UnusableInput(f"--recipe {name}: {_reason(failure)}") from None


def to_yaml(recipe: Recipe) -> str:
    """What `load_recipe` reads, with every field."""
    text: str = yaml.safe_dump(recipe.model_dump(mode="json", exclude_none=True), sort_keys=False)
    return text


class _Loader(yaml.SafeLoader):
    """YAML's, but no key twice, of which all but the last would go unheard."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is given twice", node.start_mark
                )
        return super().construct_mapping(node, deep)


def _reason(failure: ValidationError) -> str:
    error = failure.errors(include_url=False)[0]
    place = ".".join(str(part) for part in error["loc"])
    said = error["msg"].removeprefix("Value error, ")
    if error["type"] in ("literal_error", "extra_forbidden"):
        said = f"{said}, got {shorten(repr(error['input']), MAX_QUOTED)}"
    return f"{place}: {said}" if place else said
