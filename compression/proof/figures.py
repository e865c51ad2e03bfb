"""What is measured of a compressed checkpoint beside its original.

Frozen and JSON-able: this is the form of `winnow_report.json`.
"""

from dataclasses import dataclass
from typing import Literal

Work = Literal["decode", "prefill"]
MemoryMeasure = Literal["freed", "loaded"]
"""`freed`: process memory that came free when the model was let go (CPU, where kernels keep packed
weights outside of PyTorch). `loaded`: what vLLM measured its loading to take (accelerators)."""


MIN_TELLING_ROUNDS = 6
"""Of which equals would be on one side of 1 in all with a probability of 2 / 2^6 = 3 %."""
TWIN_SPREAD = 0.1
"""Two processes of equal work were seen to differ by 8 % in all rounds, which no control within one
of them shows."""


@dataclass(frozen=True)
class CheckpointFigures:
    """`name` is the folder's, without its path. `disk_bytes` counts all files of the folder but the
    report's own; `memory_bytes` the weights in the form in which kernels hold them. `load_s` is
    from vLLM's start to its readiness, measured once, without the import of its code."""

    name: str
    disk_bytes: int
    memory_bytes: int
    load_s: float


@dataclass(frozen=True)
class Fidelity:
    """How near the compressed checkpoint's next-token distributions are to the original's.

    `kl_mean` and `kl_p99` are nats a token; `covered` is the share of the original's probability
    that lies on tokens compared one by one, the rest being compared as one; `top1_agreement` is
    the share of tokens at which both have the same likeliest one.
    """

    top_k: int
    kl_mean: float
    kl_p99: float
    covered: float
    top1_agreement: float


@dataclass(frozen=True)
class TextFigures:
    """`fidelity` is None where the two do not have the same vocabulary."""

    source: str
    num_samples: int
    original_num_tokens: int
    compressed_num_tokens: int
    original_perplexity: float
    compressed_perplexity: float
    fidelity: Fidelity | None


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class SpeedFigures:
    """Tokens/s. `ratio` is compressed to original, round by round; `control` the original's second
    timing of a round to its first, which is 1 but for noise: what other programs do to `ratio`
    they do to it.

    Where rounds are independent, the range of n ratios holds their true median with a probability
    of 1 - 2^(1 - n): of 7 rounds, 98 %.
    """

    work: Work
    batch_size: int
    num_rounds: int
    original: Spread
    compressed: Spread
    ratio: Spread
    control: Spread

    @property
    def is_told_apart(self) -> bool:
        """Whether every round had the same one ahead, of enough rounds that chance would not do,
        and by more than a process may be ahead of its twin."""
        is_one_ahead = self.ratio.low > 1 or self.ratio.high < 1
        is_beyond_twins = abs(self.ratio.median - 1) > TWIN_SPREAD
        return is_one_ahead and is_beyond_twins and self.num_rounds >= MIN_TELLING_ROUNDS


@dataclass(frozen=True)
class Share:
    """The share of right answers, in 0..1, with its 95 % interval."""

    num_right: int
    num_total: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """The compressed checkpoint's share less the original's on the same questions, in -1..1, with
    its 95 % interval; `p_value` is that of both being right equally often."""

    num_total: int
    num_only_original: int
    num_only_compressed: int
    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class TaskFigures:
    """The right answers of one decoder. Tokens are the mean of all that were generated for a
    question, None if not counted."""

    decoder: str
    original: Share
    compressed: Share
    change: Change
    original_tokens: float | None
    compressed_tokens: float | None


@dataclass(frozen=True)
class Machine:
    """`load_average` is that of the minute before speed was measured, and of the minute at its end:
    above the number of cores, other programs were measured, too."""

    taken_at: str
    processor: str
    num_cores: int
    load_average: tuple[float, float]
    packages: dict[str, str]


@dataclass(frozen=True)
class Proof:
    """`text` is None and `tasks` empty where nothing was given to measure them on; `notes` say
    what could not be measured, and why."""

    original: CheckpointFigures
    compressed: CheckpointFigures
    memory_measure: MemoryMeasure
    speeds: tuple[SpeedFigures, ...]
    text: TextFigures | None
    dataset: str | None
    tasks: tuple[TaskFigures, ...]
    notes: tuple[str, ...]
    machine: Machine
    version: Literal[1] = 1
