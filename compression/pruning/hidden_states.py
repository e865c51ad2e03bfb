"""A calibration text's way through the layers, one layer at a time.

Only the states between two layers are kept, and of a layer's insides what its observer takes: so
memory holds the model, the states of all calibration tokens and the statistics of one layer.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from compression.pruning.token_batches import Batch

Observer = Callable[[nn.Module, Tensor], None]
"""Given a module and its input at the real tokens, `(num_tokens, width)`."""


@dataclass(frozen=True)
class BatchStates:
    """`hidden` of shape `(num_rows, length, hidden_size)` goes into a layer with `arguments`.

    The values of `arguments` are Any: what a layer is called with is its architecture's matter.
    """

    hidden: Tensor
    is_token: Tensor
    arguments: dict[str, Any]

    @property
    def of_tokens(self) -> Tensor:
        """`(num_tokens, hidden_size)`, without padding."""
        return self.hidden[self.is_token]


class _Arrived(Exception):
    """Ends a model's forward pass at its first layer."""


@torch.no_grad()
def enter(model: Any, batches: Sequence[Batch]) -> list[BatchStates]:
    """What goes into the first layer. `model` is Any: see Checkpoint."""
    states: list[BatchStates] = []

    def stop(layer: nn.Module, arguments: tuple[Tensor, ...], keywords: dict[str, Any]) -> None:
        states.append(BatchStates(arguments[0], is_token, keywords))
        raise _Arrived

    with model.model.layers[0].register_forward_pre_hook(stop, with_kwargs=True):
        for batch in batches:
            is_token = batch.is_token.to(model.device)
            try:
                model(batch.token_ids.to(model.device), use_cache=False)
            except _Arrived:
                continue
    return states


@torch.no_grad()
def advance(
    layer: nn.Module,
    states: Sequence[BatchStates],
    observed: Sequence[nn.Module] = (),
    observe: Observer | None = None,
) -> list[BatchStates]:
    """The states behind a layer; `observe` is shown the inputs of its `observed` modules."""
    after: list[BatchStates] = []
    for batch in states:
        with ExitStack() as hooks:
            for module in observed:
                assert observe is not None
                hook = _hook(observe, batch.is_token)
                hooks.enter_context(module.register_forward_pre_hook(hook))
            after.append(replace(batch, hidden=layer(batch.hidden, **batch.arguments)))
    return after


def _hook(observe: Observer, is_token: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    return lambda module, arguments: observe(module, arguments[0][is_token])
