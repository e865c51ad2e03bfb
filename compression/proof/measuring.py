"""Text and speed, of two checkpoints that are loaded side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from compression.errors import ProofFailed, UnusableText
from compression.progress import Tell
from compression.proof.divergence import Scores, compare, perplexity
from compression.proof.engine import Engine, Tokens
from compression.proof.figures import SpeedFigures, TextFigures, Work
from compression.proof.options import ProofOptions
from compression.proof.statistics import ratio_spread, spread
from compression.samples import Sample

MAX_TEXT_TOKENS = 1024
"""Longer samples are cut: their logits are held for a whole vocabulary at once."""
PROMPT_TOKENS = 8
PREFILL_LENGTH = 512
MIN_TIMING_S = 1.0
"""Shorter ones are as long as a processor's time slices to whatever else runs."""


def measure_text(
    original: Engine, compressed: Engine, source: str, samples: Sequence[Sample], top_k: int
) -> TextFigures:
    """Both are asked for the same token ids, those of the original's tokenizer and template, where
    their vocabularies are the same.

    Raises:
        UnusableText: a sample has nothing to score.
        ProofFailed: a model's log-probabilities are no numbers.
    """
    has_one_vocabulary = original.vocabulary == compressed.vocabulary
    texts = _scorable(source, samples, original)
    others = texts if has_one_vocabulary else _scorable(source, samples, compressed)
    num_top = min(top_k, original.vocab_size, compressed.vocab_size)
    first = _sound_scores(original, texts, num_top)
    second = _sound_scores(compressed, others, num_top)
    return TextFigures(
        source=source,
        num_samples=len(samples),
        original_num_tokens=len(first.token_ids),
        compressed_num_tokens=len(second.token_ids),
        original_perplexity=perplexity(first),
        compressed_perplexity=perplexity(second),
        fidelity=compare(first, second) if has_one_vocabulary else None,
    )


def _scorable(source: str, samples: Sequence[Sample], engine: Engine) -> list[Tokens]:
    # One place is left for the token that vLLM generates with the log-probabilities.
    length = min(MAX_TEXT_TOKENS, engine.max_length - 1)
    whole = engine.tokenize(samples)
    for sample, tokens in zip(samples, whole, strict=True):
        if len(tokens.ids) < 2:
            raise UnusableText(
                f"{source}, line {sample.line}: must be 2 tokens or more, got {len(tokens.ids)}"
            )
        if not tokens.cut(length).num_scored:
            raise UnusableText(
                f"{source}, line {sample.line}: what is scored begins after the first {length:,} "
                "tokens, which are all that is read"
            )
    return [tokens.cut(length) for tokens in whole]


def _sound_scores(engine: Engine, texts: Sequence[Tokens], top_k: int) -> Scores:
    scores = engine.score(texts, top_k)
    if scores.num_broken:
        raise ProofFailed(
            f"checkpoint {engine.checkpoint}: is broken: log-probabilities are no numbers at "
            f"{scores.num_broken:,} of {len(scores.token_ids):,} tokens"
        )
    return scores


@dataclass(frozen=True)
class Load:
    """What is timed: prompts of `length` random tokens, continued by `num_tokens`."""

    work: Work
    batch_size: int
    length: int
    num_tokens: int

    @property
    def num_counted(self) -> int:
        """Tokens of one timing, generated or read."""
        return self.batch_size * (self.num_tokens if self.work == "decode" else self.length)

    def prompts(self, rng: Random, vocab_size: int) -> list[list[int]]:
        return [
            [rng.randrange(vocab_size) for _ in range(self.length)] for _ in range(self.batch_size)
        ]


@dataclass(frozen=True)
class Round:
    """Seconds of the same work, in the order in which it was done."""

    original: float
    compressed: float
    original_again: float


def measure_speeds(
    original: Engine, compressed: Engine, options: ProofOptions, tell: Tell
) -> tuple[SpeedFigures, ...]:
    """Measure speeds in turns: a round is the original, the compressed one and the original again.

    Neither order nor drift favours a side, and noise is seen. A round before the first is not
    counted.
    """
    prompt_length = min(PREFILL_LENGTH, original.max_length - 1, compressed.max_length - 1)
    loads = [
        *(
            Load("decode", size, PROMPT_TOKENS, options.decode_tokens)
            for size in options.batch_sizes
        ),
        Load("prefill", max(1, options.prefill_tokens // prompt_length), prompt_length, 1),
    ]
    rng = Random(0)
    vocab_size = min(original.vocab_size, compressed.vocab_size)
    repeats = {load: _num_repeats(original, compressed, load, rng, vocab_size) for load in loads}
    rounds: dict[Load, list[Round]] = {load: [] for load in loads}
    for number in range(options.num_rounds):
        tell(number, options.num_rounds, "rounds of speed")
        for load in loads:
            prompts = load.prompts(rng, vocab_size)
            seconds = [
                sum(one.time(prompts, load.num_tokens) for _ in range(repeats[load]))
                for one in (original, compressed, original)
            ]
            rounds[load].append(Round(*seconds))
    tell(options.num_rounds, options.num_rounds, "rounds of speed")
    return tuple(speed_figures(load, repeats[load], rounds[load]) for load in loads)


def _num_repeats(
    original: Engine, compressed: Engine, load: Load, rng: Random, vocab_size: int
) -> int:
    """So many that a timing takes MIN_TIMING_S; the same for both. Warms both up."""
    prompts = load.prompts(rng, vocab_size)
    for one in (original, compressed):
        one.time(prompts, load.num_tokens)
    return math.ceil(MIN_TIMING_S / original.time(prompts, load.num_tokens))


def speed_figures(load: Load, num_repeats: int, rounds: Sequence[Round]) -> SpeedFigures:
    num_tokens = num_repeats * load.num_counted
    originals = [2 * num_tokens / (one.original + one.original_again) for one in rounds]
    compresseds = [num_tokens / one.compressed for one in rounds]
    return SpeedFigures(
        work=load.work,
        batch_size=load.batch_size,
        num_rounds=len(rounds),
        original=spread(originals),
        compressed=spread(compresseds),
        ratio=ratio_spread(compresseds, originals),
        control=spread([one.original / one.original_again for one in rounds]),
    )
