"""CoT-decoding through the server against the same token work by `LLM.generate`.

The offline side gets its prompts tokenized, probes them for their first tokens and continues every
branch, with log-probabilities and to the same limits; it selects nothing. It is measured four
ways: at most as many sequences at once as the server's load has (concurrency × k), or no such
limit; called plainly, or leanly (flat log-probabilities, no text), as the server calls its engine.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tqdm import tqdm

from loadtest.eval_set import Problem
from loadtest.server_process import Server
from loadtest.serving import Serving
from loadtest.statistics import Ratio, paired_ratio
from loadtest.token_work import TokenWork, ask_worker, serve_round, take_slice
from loadtest.worker_process import running_worker

NUM_WARM_UP = 16


@dataclass(frozen=True)
class OfflineFigure:
    """`wall` is the server's wall time to the peer's."""

    peer: str
    rounds: tuple[TokenWork, ...]
    wall: Ratio


@dataclass(frozen=True)
class Offline:
    k: int
    concurrency: int
    served: tuple[TokenWork, ...]
    figures: tuple[OfflineFigure, ...]


def measure_offline(
    server: Server,
    serving: Serving,
    problems: Sequence[Problem],
    k: int,
    concurrency: int,
    num_rounds: int,
    num_questions: int,
) -> Offline:
    """Server and peers in turns, `num_questions` a round."""
    num_sequences = k * concurrency
    admissions = {
        f"≤ {num_sequences} at once": ["--max-num-seqs", str(num_sequences)],
        "all at once": [],
    }
    served: list[TokenWork] = []
    by_peer: dict[str, list[TokenWork]] = {}
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(
                running_worker(
                    "loadtest.offline_worker",
                    [serving.checkpoint, *serving.arguments, *limit],
                    serving.environment,
                )
            )
            for name, limit in admissions.items()
        }
        # "all at once" needs no warm-up of its own width: eager engines compile nothing.
        warm_up = problems[:NUM_WARM_UP]
        serve_round(server, warm_up, k, concurrency)
        for worker in workers.values():
            ask_worker(worker, warm_up, k, {"is_lean": True})
        for number in tqdm(range(num_rounds), desc="offline", unit="round"):
            asked = take_slice(problems, number, num_questions)
            served.append(serve_round(server, asked, k, concurrency))
            for name, worker in workers.items():
                for call, is_lean in (("plain", False), ("lean", True)):
                    rounds = by_peer.setdefault(f"{name}, {call}", [])
                    rounds.append(ask_worker(worker, asked, k, {"is_lean": is_lean}))
    figures = [_compare(peer, served, rounds) for peer, rounds in by_peer.items()]
    return Offline(k, concurrency, tuple(served), tuple(figures))


def _compare(peer: str, served: Sequence[TokenWork], rounds: Sequence[TokenWork]) -> OfflineFigure:
    wall = paired_ratio([one.wall_s for one in served], [one.wall_s for one in rounds])
    return OfflineFigure(peer, tuple(rounds), wall)
