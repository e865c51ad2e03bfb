"""What there is to choose from, as a table."""

from collections.abc import Sequence

from compression.capacity import expected_bytes
from compression.recipes import RECIPES, Recipe
from compression.serving_support import Hardware, refusal, support_of_recipe
from compression.steps import Step, ToolStep, needs_text, tool_of
from compression.weights import Weight

HEADER = ("recipe", "steps", "made by", "calibration text", "vLLM runs it on", "here")
BF16_MODEL = (Weight("model.layers.0.mlp.up_proj.weight", (1_000, 10_000), "BF16"),)
"""Linear layers alone, for sizes without a checkpoint."""


def recipe_table(hardware: Hardware, weights: Sequence[Weight] | None) -> str:
    """Sizes are of `weights`, or the share of linear layers in bf16 where there are none."""
    size = "bytes of linear layers" if weights is None else "expected bytes of weights"
    rows: list[tuple[str, ...]] = [(*HEADER, size)]
    for name, recipe in RECIPES.items():
        rows.append((name, *_cells(recipe, hardware), _size(recipe, weights)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _cells(recipe: Recipe, hardware: Hardware) -> tuple[str, ...]:
    makers = sorted(
        {tool_of(one) if isinstance(one, ToolStep) else "winnow" for one in recipe.steps}
    )
    return (
        " → ".join(map(_named, recipe.steps)),
        ", ".join(makers),
        "yes" if any(map(needs_text, recipe.steps)) else "none",
        str(support_of_recipe(recipe)),
        "yes" if refusal(recipe, hardware) is None else "no",
    )


def _named(step: Step) -> str:
    """The step's kind, with what tells it from others of that kind."""
    told = [
        str(getattr(step, field))
        for field in ("method", "tool", "fraction", "pattern")
        if getattr(step, field, None) not in (None, "llmcompressor")
    ]
    return f"{step.kind} ({', '.join(told)})" if told else step.kind


def _size(recipe: Recipe, weights: Sequence[Weight] | None) -> str:
    of = BF16_MODEL if weights is None else weights
    expected, whole = expected_bytes(of, recipe), sum(one.num_bytes for one in of)
    ratio = f"{expected / whole:.2f} ×"
    return ratio if weights is None else f"{expected / 1e6:,.1f} MB, {ratio}"
