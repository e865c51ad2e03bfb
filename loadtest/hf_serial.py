"""CoT-decoding through the server against a serial Hugging Face loop over the same k paths."""

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from loadtest.eval_set import Problem
from loadtest.server_process import Server
from loadtest.serving import Serving
from loadtest.statistics import Ratio, paired_ratio
from loadtest.token_work import TokenWork, ask_worker, serve_round, take_slice
from loadtest.worker_process import running_worker

NUM_WARM_UP = 2


@dataclass(frozen=True)
class HfSerial:
    """`throughput` is the server's questions/s to the loop's."""

    k: int
    concurrency: int
    num_threads: int
    served: tuple[TokenWork, ...]
    looped: tuple[TokenWork, ...]
    throughput: Ratio


def measure_hf_serial(
    server: Server,
    serving: Serving,
    problems: Sequence[Problem],
    k: int,
    concurrency: int,
    num_rounds: int,
    num_questions: int,
    num_threads: int,
) -> HfSerial:
    """Server and loop in turns on the same `num_questions` a round."""
    served: list[TokenWork] = []
    looped: list[TokenWork] = []
    arguments = [serving.checkpoint, "--threads", str(num_threads)]
    with running_worker("loadtest.hf_worker", arguments, serving.environment) as worker:
        serve_round(server, problems[:NUM_WARM_UP], k, concurrency)
        ask_worker(worker, problems[:NUM_WARM_UP], k)
        for number in tqdm(range(num_rounds), desc="hf", unit="round"):
            asked = take_slice(problems, number, num_questions)
            served.append(serve_round(server, asked, k, concurrency))
            looped.append(ask_worker(worker, asked, k))
    throughput = paired_ratio(
        [one.questions_per_s for one in served], [one.questions_per_s for one in looped]
    )
    return HfSerial(k, concurrency, num_threads, tuple(served), tuple(looped), throughput)
