"""How long it takes from a server's start until it is ready, ours and `vllm serve` in turns."""

from collections.abc import Callable
from dataclasses import dataclass

from measurement.server_process import Program, running_server
from measurement.serving import Serving
from measurement.statistics import Ratio, paired_ratio

PROGRAMS: tuple[Program, ...] = ("winnow", "vllm")


@dataclass(frozen=True)
class StartUp:
    """Seconds of each start; `ratio` is Winnow's to `vllm serve`'s."""

    winnow_s: tuple[float, ...]
    vllm_s: tuple[float, ...]
    ratio: Ratio


def measure_start_up(
    serving: Serving, port: int, num_rounds: int, tell: Callable[[str], None]
) -> StartUp:
    """One start of each beforehand fills the caches and is not counted."""
    taken: dict[Program, list[float]] = {program: [] for program in PROGRAMS}
    for number in range(-1, num_rounds):
        for program in PROGRAMS if number % 2 == 0 else PROGRAMS[::-1]:
            count = f"start {number + 1} of {num_rounds}" if number >= 0 else "start, not counted"
            tell(f"{count}: {program} serve")
            with running_server(program, serving, port) as server:
                assert server.ready_after_s is not None, "it was started here"
                if number >= 0:
                    taken[program].append(server.ready_after_s)
    winnow, vllm = (tuple(taken[program]) for program in PROGRAMS)
    return StartUp(winnow, vllm, paired_ratio(winnow, vllm))
