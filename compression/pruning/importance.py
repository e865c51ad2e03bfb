"""What a layer, a channel or a key-value group is worth, measured on calibration text.

- Layers: block influence, 1 − cosine of the hidden states before and behind a layer, averaged over
  tokens (Men et al. 2024, "ShortGPT", arXiv 2403.03853, section 3.1). Deviation: after each
  removal the rest is scored anew, and the first and the last layer are never removed.
- FFN channels: root mean square of the channel's activation times the norm of its column of the
  down projection, i.e. the root mean square length of what it adds to the output.
- Key-value groups: root mean square length of what the group's heads add to the attention's
  output.

The latter two are read off the Gram matrix of a projection's inputs, the mean over tokens of x xᵀ.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from compression.pruning.hidden_states import BatchStates, advance


def most_influential(
    layers: Sequence[nn.Module], states: Sequence[BatchStates], count: int, told: Callable[[], None]
) -> list[int]:
    """Places of the `count` layers to keep, in order; `told` of each removal beforehand.

    Of equally influential layers the earlier one goes.
    """
    kept = list(range(len(layers)))
    while len(kept) > count:
        told()
        influences = block_influences([layers[place] for place in kept], states)
        del kept[min(range(1, len(kept) - 1), key=influences.__getitem__)]
    return kept


def block_influences(layers: Sequence[nn.Module], states: Sequence[BatchStates]) -> list[float]:
    """One for each layer, in 0..2; `states` go into the first one."""
    influences: list[float] = []
    for layer in layers:
        after = advance(layer, states)
        pairs = list(zip(states, after, strict=True))
        cosines = [_cosines(old.of_tokens, new.of_tokens) for old, new in pairs]
        influences.append(1 - float(torch.cat(cosines).mean()))
        states = after
    return influences


def channel_importances(weight: Tensor, gram: Tensor) -> Tensor:
    """`(width,)` of a projection's `weight` `(out, width)` and the `gram` of its inputs."""
    return gram.diagonal().sqrt() * weight.to(gram.dtype).square().sum(0).sqrt()


def group_importances(weight: Tensor, gram: Tensor, num_groups: int) -> Tensor:
    """`(num_groups,)`; the columns of `weight` belong to the groups in equal runs."""
    runs = weight.to(gram.dtype).chunk(num_groups, dim=1)
    size = weight.shape[1] // num_groups
    squares = [
        (run @ gram[i * size : (i + 1) * size, i * size : (i + 1) * size] * run).sum()
        for i, run in enumerate(runs)
    ]
    return torch.stack(squares).clamp(min=0).sqrt()


def largest(importances: Tensor, count: int) -> Tensor:
    """Places of the `count` largest, in ascending order. Ties: the earlier ones."""
    order = importances.sort(descending=True, stable=True).indices
    return order[:count].sort().values


def _cosines(before: Tensor, behind: Tensor) -> Tensor:
    return nn.functional.cosine_similarity(before.double(), behind.double(), dim=-1)
