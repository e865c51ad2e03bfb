import pytest

from compression.pruning import Prune, UnusableRecipe
from compression.pruning.shape import Shape, Sizes, target_shape

CURRENT = Shape(num_layers=4, ffn_width=512, num_kv_groups=2)
POCKET = Sizes(outside=262_272, channel=384, group=49_152, rest=256)
"""Of the bundled checkpoint: a channel is 3 × 128, a group 2 × (64 × 128) for queries, 128 × 64 for
keys and values each, 128 × 128 for what reads them; 256 norms."""


def shape_of(recipe: Prune, groups: tuple[int, ...] = (1, 2)) -> Shape:
    return target_shape(recipe, CURRENT, POCKET, groups)


def test_parameters_are_counted() -> None:
    """262,272 + 4 × (256 + 512 × 384 + 2 × 49,152) = 262,272 + 4 × 295,168."""
    assert POCKET.count(CURRENT) == 1_442_944


def test_what_is_not_named_stays() -> None:
    assert shape_of(Prune(num_layers=3)) == Shape(3, 512, 2)
    assert shape_of(Prune(ffn_width=256, num_kv_groups=1)) == Shape(4, 256, 1)


def test_fraction_is_spread_so_that_the_worst_hit_dimension_loses_least() -> None:
    """A quarter is 360,736 of 1,442,944 parameters. Without a layer (295,168) 65,568 are to come
    from three FFNs: 65,568 / (3 × 384) = 57 channels, so 448 (64 less) is the nearest multiple of
    32; depth loses a quarter. All from four FFNs would be 235 channels, 46 %; a group is 50 %."""
    shape = shape_of(Prune(fraction=0.25))
    assert shape == Shape(3, 448, 2)
    assert 1 - POCKET.count(shape) / POCKET.count(CURRENT) == pytest.approx(0.2557, abs=1e-4)


def test_small_fraction_narrows_the_ffn_alone() -> None:
    """A tenth is 144,294 parameters: 94 channels of four layers, 96 as a multiple of 32."""
    assert shape_of(Prune(fraction=0.1)) == Shape(4, 416, 2)


def test_fraction_keeps_to_the_wanted_multiple() -> None:
    """Of 128: 448 channels are out of reach, and no layer with 512 or 384 is within half a step
    but 512 (295,168 of 360,736 removed; half a step is 73,728)."""
    assert shape_of(Prune(fraction=0.25, width_multiple=128)) == Shape(3, 512, 2)


def test_fraction_keeps_to_numbers_of_groups_that_can_be_served() -> None:
    for fraction in (0.2, 0.4, 0.6):
        assert shape_of(Prune(fraction=fraction), groups=(2,)).num_kv_groups == 2


@pytest.mark.parametrize("fraction", [0.001, 0.8])
def test_fraction_out_of_reach_is_refused(fraction: float) -> None:
    """Most: 2 layers of 32 channels and 1 group leave 262,272 + 2 × 61,696: 73.3 % removed."""
    with pytest.raises(UnusableRecipe, match=rf"^fraction .*0\.733.*got {fraction}$"):
        shape_of(Prune(fraction=fraction))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Prune(num_layers=5), r"^num_layers must be at most 4.*got 5$"),
        (Prune(ffn_width=544), r"^ffn_width must be at most 512.*got 544$"),
        (Prune(num_kv_groups=3), r"^num_kv_groups must be one of 1, 2 .*got 3$"),
        (Prune(num_layers=4, ffn_width=512), r"^nothing to remove"),
    ],
)
def test_shape_that_the_checkpoint_cannot_have_is_refused(recipe: Prune, message: str) -> None:
    with pytest.raises(UnusableRecipe, match=message):
        shape_of(recipe)


@pytest.mark.parametrize(
    "fields",
    [{}, {"fraction": 0.2, "num_layers": 3}, {"ffn_width": 100}, {"fraction": 1.0}, {"layers": 3}],
)
def test_recipe_that_contradicts_itself_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"fraction|width_multiple|layers"):
        Prune.model_validate(fields)
