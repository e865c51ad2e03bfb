"""Every side of the comparison, and what is held against what."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from benchmarks.compare.floor import floor_peers
from benchmarks.compare.hf_serial import hf_serial
from benchmarks.compare.its_hub import its_hub_peers
from benchmarks.compare.openai_calls import openai_calls
from benchmarks.compare.optillm import optillm_peers
from benchmarks.compare.peer import Family, Peer
from benchmarks.compare.served import vllm_peers, winnow_peers

FAMILIES: tuple[Family, ...] = get_args(Family)
START_UP = "start-up"
Measure = Literal["wall time", "questions/s"]


@dataclass(frozen=True)
class Pair:
    """Ours against a peer, by key; `floor` stands for what `choose_floor` names. A wall time is to
    be at most `bound` times the peer's, questions/s at least; None where nothing is claimed."""

    ours: str
    peer: str
    measure: Measure
    bound: float | None = None
    needs_accuracy: bool = False

    def is_met(self, ratio: float) -> bool | None:
        if self.bound is None:
            return None
        return ratio <= self.bound if self.measure == "wall time" else ratio >= self.bound


FLOOR = "floor"
MAX_WALL = 1.10
MIN_PLAIN = 0.98
MIN_OPTILLM = 20.0
MIN_CLIENT = 2.0
MAX_START_UP = 1.15

PAIRS = (
    Pair("winnow-greedy", "vllm-greedy", "questions/s", MIN_PLAIN),
    Pair("winnow-cot", FLOOR, "wall time", MAX_WALL),
    Pair("winnow-cot", "optillm-cot", "questions/s", MIN_OPTILLM),
    Pair("winnow-cot", "optillm-cot-concurrent", "questions/s", MIN_OPTILLM),
    Pair("winnow-cot", "hf-cot", "questions/s"),
    Pair("winnow-vote-all", FLOOR, "wall time", MAX_WALL),
    Pair("winnow-vote", "vllm-calls", "questions/s", MIN_CLIENT, needs_accuracy=True),
    Pair("winnow-vote", "vllm-n", "questions/s", MIN_CLIENT, needs_accuracy=True),
    Pair("winnow-vote-as-needed", "vllm-calls", "questions/s", MIN_CLIENT, needs_accuracy=True),
    Pair("winnow-vote-as-needed", "vllm-n", "questions/s", MIN_CLIENT, needs_accuracy=True),
    Pair("winnow-vote", "optillm-self-consistency", "questions/s", needs_accuracy=True),
    Pair("winnow-vote", "optillm-majority-voting", "questions/s", needs_accuracy=True),
    Pair("winnow-vote", "its-hub", "questions/s", needs_accuracy=True),
    Pair("winnow-vote", "its-hub-beta", "questions/s", needs_accuracy=True),
    Pair("winnow-vote-as-needed", "its-hub-beta", "questions/s", needs_accuracy=True),
    Pair("winnow-vote-all", "vllm-calls", "questions/s"),
    Pair("winnow-vote-all", "vllm-n", "questions/s"),
)


def chosen_peers(
    families: Collection[str], k: int, num_samples: int, hf_threads: int
) -> Sequence[Peer]:
    """Ours always, and those of the families, in a fixed order."""
    peers = (
        *winnow_peers(k, num_samples),
        *vllm_peers(num_samples),
        openai_calls(num_samples),
        *optillm_peers(k, num_samples),
        *its_hub_peers(num_samples),
        hf_serial(k, hf_threads),
        *floor_peers(),
    )
    return [peer for peer in peers if peer.label.is_ours or peer.label.family in families]
