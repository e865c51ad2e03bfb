"""How far one model's next-token distributions are from another's, of the top k of each.

vLLM gives the k likeliest tokens of each model and the text's own token. Those that both gave are
compared one by one; all others are put together into one, on both sides, whose probability is what
is left to 1. By the log-sum inequality the divergence of distributions that were made coarser in
the same way is never above that of the full ones (Cover & Thomas 2006, theorem 2.7.1): what is
reported is a lower bound, without a made-up probability for any token. It is the full divergence
where k is the vocabulary, and close to it where the tokens in common cover nearly all of the
original's probability, which is reported with it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.proof.figures import Fidelity

LEAST_REST = 1e-7
"""What float32 log-probabilities that sum to 1 may leave over by rounding."""


@dataclass(frozen=True)
class Scores:
    """Log-probabilities of n scored tokens of the held-out text, each given the text before it.

    `token_ids` and `logprobs` (nats), both (n, 1 + k): first the text's own token, then the k
    likeliest, likeliest first.
    """

    token_ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]

    @property
    def num_broken(self) -> int:
        """Tokens at which something is no number, or the text's own token is impossible."""
        is_sound = ~np.isnan(self.logprobs).any(axis=1) & np.isfinite(self.logprobs[:, 0])
        return int(np.count_nonzero(~is_sound))

    def distribution(self, position: int) -> dict[int, float]:
        """Log-probability by token, of all that were given at this position."""
        ids, logprobs = self.token_ids[position].tolist(), self.logprobs[position].tolist()
        return dict(zip(ids, logprobs, strict=True))


@dataclass(frozen=True)
class Divergence:
    """`kl` in nats; `covered` is the probability, of the first model, of the tokens in common."""

    kl: float
    covered: float


def perplexity(scores: Scores) -> float:
    return math.exp(-float(scores.logprobs[:, 0].mean(dtype=np.float64)))


def compare(original: Scores, compressed: Scores) -> Fidelity:
    """KL(original ‖ compressed) and top-1 agreement over the same tokens of the same text."""
    found = [
        divergence(original.distribution(i), compressed.distribution(i))
        for i in range(len(original.token_ids))
    ]
    kls = [one.kl for one in found]
    return Fidelity(
        top_k=original.token_ids.shape[1] - 1,
        kl_mean=float(np.mean(kls)),
        kl_p99=float(np.quantile(kls, 0.99)),
        covered=float(np.mean([one.covered for one in found])),
        top1_agreement=float(np.mean(original.token_ids[:, 1] == compressed.token_ids[:, 1])),
    )


def divergence(p: Mapping[int, float], q: Mapping[int, float]) -> Divergence:
    """KL(p ‖ q) of log-probabilities by token, what is not in both lumped together."""
    common = [(logprob, q[token_id]) for token_id, logprob in p.items() if token_id in q]
    covered = sum(math.exp(a) for a, _ in common)
    rest_p = max(LEAST_REST, 1.0 - covered)
    rest_q = max(LEAST_REST, 1.0 - sum(math.exp(b) for _, b in common))
    kl = sum(math.exp(a) * (a - b) for a, b in common if a > -math.inf)
    return Divergence(kl + rest_p * math.log(rest_p / rest_q), min(1.0, covered))
