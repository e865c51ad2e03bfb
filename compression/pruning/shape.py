"""How large a checkpoint is, and which smaller shape has a given share of its parameters.

The rule that divides `fraction` over depth, FFN and heads: every number of layers and of key-value
groups that the checkpoint may have is completed by the FFN width that comes nearest to the target;
of these shapes the one is taken in which the dimension that loses the largest share loses least, so
that a cut is spread evenly. Ties go to more layers, then to more groups.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compression.pruning.errors import UnusableRecipe
from compression.pruning.recipe import Prune

MIN_LAYERS = 2
"""The first and the last, which are never removed."""


@dataclass(frozen=True)
class Shape:
    num_layers: int
    ffn_width: int
    num_kv_groups: int


@dataclass(frozen=True)
class Sizes:
    """Parameters outside the layers, and in one layer: of a channel, of a group, of the rest."""

    outside: int
    channel: int
    group: int
    rest: int

    def of_layer(self, shape: Shape) -> int:
        return self.rest + shape.ffn_width * self.channel + shape.num_kv_groups * self.group

    def count(self, shape: Shape) -> int:
        return self.outside + shape.num_layers * self.of_layer(shape)


def target_shape(
    recipe: Prune, current: Shape, sizes: Sizes, allowed_groups: Sequence[int]
) -> Shape:
    """The shape to prune to; `allowed_groups` are the numbers of groups that can be saved and
    served, `current`'s among them.

    Raises:
        UnusableRecipe: the checkpoint cannot have that shape, or has it already.
    """
    if recipe.fraction is not None:
        return _shape_of_fraction(recipe, current, sizes, allowed_groups)
    shape = Shape(
        recipe.num_layers or current.num_layers,
        recipe.ffn_width or current.ffn_width,
        recipe.num_kv_groups or current.num_kv_groups,
    )
    for name in ("num_layers", "ffn_width"):
        value, most = getattr(shape, name), getattr(current, name)
        if value > most:
            raise UnusableRecipe(
                f"{name} must be at most {most}, as of the checkpoint, got {value}"
            )
    if shape.num_kv_groups not in allowed_groups:
        allowed = ", ".join(map(str, allowed_groups))
        raise UnusableRecipe(
            f"num_kv_groups must be one of {allowed} for this checkpoint to be saved and served, "
            f"got {shape.num_kv_groups}"
        )
    if shape == current:
        raise UnusableRecipe(f"nothing to remove: the checkpoint is {current} already")
    return shape


def _shape_of_fraction(
    recipe: Prune, current: Shape, sizes: Sizes, allowed_groups: Sequence[int]
) -> Shape:
    assert recipe.fraction is not None
    whole = sizes.count(current)
    target = round(whole * (1 - recipe.fraction))
    shapes = list(_reachable(current, sizes, allowed_groups, recipe.width_multiple, target))
    if not shapes:
        least = Shape(
            min(MIN_LAYERS, current.num_layers),
            min(recipe.width_multiple, current.ffn_width),
            min(allowed_groups),
        )
        most = 1 - sizes.count(least) / whole
        raise UnusableRecipe(
            f"fraction must lie between one FFN step of {recipe.width_multiple} channels and "
            f"{most:.3f} for this checkpoint, got {recipe.fraction}"
        )
    return min(
        shapes, key=lambda shape: (_strain(shape, current), -shape.num_layers, -shape.num_kv_groups)
    )


def _reachable(
    current: Shape, sizes: Sizes, allowed_groups: Sequence[int], multiple: int, target: int
) -> Iterator[Shape]:
    """Shapes that miss the target by at most half a step of FFN width."""
    for num_layers in range(min(MIN_LAYERS, current.num_layers), current.num_layers + 1):
        for num_groups in allowed_groups:
            bare = sizes.count(Shape(num_layers, 0, num_groups))
            step = num_layers * multiple * sizes.channel
            width = multiple * round((target - bare) / step)
            shape = Shape(num_layers, width, num_groups)
            if 0 < width <= current.ffn_width and shape != current:
                yield shape


def _strain(shape: Shape, current: Shape) -> float:
    """The largest share that any dimension loses."""
    kept = (
        shape.num_layers / current.num_layers,
        shape.ffn_width / current.ffn_width,
        shape.num_kv_groups / current.num_kv_groups,
    )
    return 1 - min(kept)
