import math

import torch
from torch import Tensor, nn

from compression.pruning.hidden_states import BatchStates, advance
from compression.pruning.importance import (
    block_influences,
    channel_importances,
    group_importances,
    largest,
    most_influential,
)


class Turn(nn.Module):
    """A layer that turns two-dimensional states by an angle."""

    def __init__(self, degrees: float) -> None:
        super().__init__()
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        self.matrix = torch.tensor([[cosine, -sine], [sine, cosine]])

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden @ self.matrix.T


class TurnTo(nn.Module):
    """A layer behind which all states lie at an angle."""

    def __init__(self, degrees: float) -> None:
        super().__init__()
        angle = math.radians(degrees)
        self.direction = torch.tensor([math.cos(angle), math.sin(angle)])

    def forward(self, hidden: Tensor) -> Tensor:
        return self.direction.expand_as(hidden)


def states(num_tokens: int = 3, num_padded: int = 2) -> list[BatchStates]:
    is_token = torch.tensor([[True] * num_tokens + [False] * num_padded])
    hidden = torch.randn(1, num_tokens + num_padded, 2, generator=torch.Generator().manual_seed(0))
    return [BatchStates(hidden, is_token, {})]


def test_influence_is_what_the_cosine_lacks_to_one() -> None:
    influences = block_influences([Turn(0), Turn(60), Turn(90), Turn(180)], states())
    assert torch.allclose(torch.tensor(influences), torch.tensor([0.0, 0.5, 1.0, 2.0]), atol=1e-6)


def test_padding_does_not_count() -> None:
    (batch,) = states()
    with_nan = batch.hidden.clone()
    with_nan[:, 3:] = math.nan
    padded = [BatchStates(with_nan, batch.is_token, {})]
    assert block_influences([Turn(60)], padded) == block_influences([Turn(60)], [batch])
    seen: list[Tensor] = []
    layer = Turn(60)
    advance(layer, padded, [layer], lambda module, inputs: seen.append(inputs))
    assert torch.equal(seen[0], batch.hidden[0, :3])


def kept(layers: list[nn.Module], count: int) -> list[int]:
    return most_influential(layers, states(), count, lambda: None)


def test_first_and_last_layer_are_kept_though_they_do_nothing() -> None:
    assert kept([Turn(0), Turn(60), Turn(20), Turn(0)], 3) == [0, 1, 3]


def test_layers_are_scored_anew_after_each_removal() -> None:
    """From 0°, by 10°, on to 25° and by 20°. At first the least are those of 10° and 15°; once the
    first of them is gone, the way to 25° is longer than 20°."""
    layers = [TurnTo(0), Turn(10), TurnTo(25), Turn(20), Turn(0)]
    assert block_influences(layers, states())[1] < block_influences(layers, states())[2] < 0.05
    assert kept(layers, 4) == [0, 2, 3, 4]
    assert kept(layers, 3) == [0, 2, 4]


def test_channel_is_worth_the_length_that_it_adds() -> None:
    """Root mean squares 2 and 1, columns of length 5 and 13."""
    weight = torch.tensor([[3.0, 5.0], [4.0, 12.0]])
    gram = torch.tensor([[4.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    assert channel_importances(weight, gram).tolist() == [10.0, 13.0]


def test_group_is_worth_what_its_heads_add_together() -> None:
    """Two groups of two inputs each. The first's are (1, −1) and cancel out under weights (1, 1);
    the second's are (1, 1) under (2, 1): 3."""
    weight = torch.tensor([[1.0, 1.0, 2.0, 1.0]])
    inputs = torch.tensor([1.0, -1.0, 1.0, 1.0], dtype=torch.float64)
    gram = torch.outer(inputs, inputs)
    assert group_importances(weight, gram, 2).tolist() == [0.0, 3.0]


def test_of_equals_the_earlier_are_kept_in_order() -> None:
    assert largest(torch.tensor([1.0, 3.0, 1.0, 2.0, 1.0]), 3).tolist() == [0, 1, 3]
