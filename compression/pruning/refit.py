"""Least squares over what is kept, so that it takes on what the removed inputs did.

A projection y = W x loses all inputs but the kept ones, x_K. Its new weight minimises the mean of
‖W x − V x_K‖² + λ‖V − W_K‖², where λ is a share of the mean square of x_K: a ridge that draws
towards the old weights and not towards zero. With the Gram matrix G of x, and R the removed inputs,
V = W_K + W_R G_RK (G_KK + λ)⁻¹. No input that is kept is needed again, only G.
"""

import torch
from torch import Tensor, nn


class Gram:
    """The mean over tokens of x xᵀ, for each module that it is shown the inputs of."""

    def __init__(self) -> None:
        self._sums: dict[nn.Module, Tensor] = {}
        self._counts: dict[nn.Module, int] = {}

    def observe(self, module: nn.Module, inputs: Tensor) -> None:
        """`inputs` of shape `(num_tokens, width)`."""
        rows = inputs.float()
        product = (rows.T @ rows).double()
        self._sums[module] = self._sums[module] + product if module in self._sums else product
        self._counts[module] = self._counts.get(module, 0) + len(rows)

    def of(self, module: nn.Module) -> Tensor:
        """`(width, width)` in float64."""
        return self._sums[module] / self._counts[module]


def refitted(weight: Tensor, gram: Tensor, kept: Tensor, ridge: float) -> Tensor:
    """V of W `(out, width)`, G `(width, width)` and the places K: `(out, len(kept))`, float64."""
    old = weight.to(gram.dtype)
    is_removed = torch.ones(len(gram), dtype=torch.bool, device=gram.device)
    is_removed[kept] = False
    among = gram[kept][:, kept]
    penalty = ridge * among.diagonal().mean().clamp(min=torch.finfo(gram.dtype).tiny)
    system = among + penalty * torch.eye(len(kept), dtype=gram.dtype, device=gram.device)
    lost = old[:, is_removed] @ gram[is_removed][:, kept]
    gained = torch.cholesky_solve(lost.T, torch.linalg.cholesky(system)).T
    return old[:, kept] + gained


def relative_error(weight: Tensor, gram: Tensor, kept: Tensor, new_weight: Tensor) -> float:
    """Mean of ‖W x − V x_K‖² as a share of the mean of ‖W x‖²; 0 where W x is always 0."""
    old = weight.to(gram.dtype)
    difference = old.clone()
    difference[:, kept] -= new_weight.to(gram.dtype)
    whole = float((old @ gram * old).sum())
    return float((difference @ gram * difference).sum()) / whole if whole else 0.0
