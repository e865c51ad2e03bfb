"""How far a model's predictions are from another's, to train on and to report.

Hinton et al. 2015, arXiv 1503.02531, section 2: the divergence of softened distributions, times the
square of the temperature, mixed with the cross-entropy of the text.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from compression.pruning.token_batches import Batch


def distillation_loss(
    student: Tensor, teacher: Tensor, targets: Tensor, temperature: float, cross_entropy: float
) -> tuple[Tensor, Tensor]:
    """The loss, and the plain divergence within it; both means over tokens.

    `student` and `teacher` are logits of shape `(num_tokens, vocabulary_size)`, `targets` the token
    ids that follow.
    """
    divergence = kl_divergence(student / temperature, teacher / temperature)
    loss = (1 - cross_entropy) * temperature**2 * divergence
    if cross_entropy:
        loss = loss + cross_entropy * functional.cross_entropy(student, targets)
    return loss, divergence.detach()


def kl_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher ‖ student) of logits, in nats, mean over tokens."""
    return functional.kl_div(
        functional.log_softmax(student, -1),
        functional.log_softmax(teacher, -1),
        reduction="batchmean",
        log_target=True,
    )


def predictions(model: Any, batch: Batch) -> Tensor:
    """Logits of every token but each row's first, `(num_tokens, vocabulary_size)` in float32.

    `model` is Any: the classes behind transformers' Auto factories carry no usable types.
    """
    logits = model(batch.token_ids.to(model.device), use_cache=False).logits
    return logits[:, :-1][batch.is_token[:, 1:].to(model.device)].float()  # type: ignore[no-any-return]  # as above


def targets(batch: Batch) -> Tensor:
    """The tokens that `predictions` are of, `(num_tokens,)`."""
    return batch.token_ids[:, 1:][batch.is_token[:, 1:]]


@torch.no_grad()
def mean_divergence(student: Any, teacher: Any, batches: Sequence[Batch]) -> float:
    """KL(teacher ‖ student) in nats a token, over all batches. The models are Any: see above."""
    total = num_tokens = 0.0
    for batch in batches:
        logits = predictions(student, batch)
        total += float(kl_divergence(logits, predictions(teacher, batch))) * len(logits)
        num_tokens += len(logits)
    return total / num_tokens
