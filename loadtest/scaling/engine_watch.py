"""What the server says and takes while it is asked: vLLM's series and resident memory."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families

from loadtest.scaling.measured import Engine, EngineWork, ProcessorTime
from measurement.memory import memory_mb

RUNNING, WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
STEPS = "vllm:iteration_tokens_total_count"
GENERATED = "vllm:generation_tokens_total"
PROMPT, CACHED = "vllm:prompt_tokens_total", "vllm:prompt_tokens_cached_total"
PREEMPTIONS = "vllm:num_preemptions_total"
INFO = "vllm:cache_config_info"
SAMPLES = frozenset({RUNNING, WAITING, STEPS, GENERATED, PROMPT, CACHED, PREEMPTIONS})
SAMPLE_S = 0.5
IDLE_POLL_S = 0.1
NOT_BUSY = ("idle", "iowait", "guest", "guest_nice")
"""Of the machine's times; what guests take is in `user`, too."""


@dataclass(frozen=True)
class Scrape:
    """Each series, summed over engines, at a time."""

    at_s: float
    values: Mapping[str, float]

    @property
    def num_unfinished(self) -> float:
        return self.values[RUNNING] + self.values[WAITING]


def parse_series(text: str, at_s: float) -> Scrape | None:
    """None unless all that are wanted are there."""
    values: dict[str, float] = {}
    # Only the lines that are wanted: a scrape has thousands, and the cores are the server's.
    lines = [line for line in text.splitlines() if line.startswith(tuple(SAMPLES))]
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        for sample in family.samples:
            if sample.name in SAMPLES:
                values[sample.name] = values.get(sample.name, 0.0) + sample.value
    return Scrape(at_s, values) if values.keys() >= SAMPLES else None


def parse_engine(text: str, max_num_seqs: int | None) -> Engine:
    lines = [line for line in text.splitlines() if line.startswith(INFO)]
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        for sample in family.samples:
            tokens = sample.labels.get("kv_cache_size_tokens", "")
            block = sample.labels.get("block_size", "")
            return Engine(
                max_num_seqs,
                int(tokens) if tokens.isdecimal() else None,
                int(block) if block.isdecimal() else None,
            )
    return Engine(max_num_seqs, None, None)


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


class EngineWatch:
    """Scrapes /metrics and reads memory twice a second until it is cancelled."""

    def __init__(self, client: aiohttp.ClientSession, url: str, pid: int | None) -> None:
        self._client = client
        self._url = f"{url}/metrics"
        self._pid = pid
        self._peak_running = self._peak_waiting = 0.0
        self.peak_memory_mb: float | None = None

    async def text(self) -> str:
        """/metrics as it is; empty where it is refused or absent."""
        try:
            async with self._client.get(self._url) as reply:
                return await reply.text() if reply.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError):
            return ""

    async def scrape(self) -> Scrape | None:
        scrape = parse_series(await self.text(), time.perf_counter())
        if scrape is not None:
            self._peak_running = max(self._peak_running, scrape.values[RUNNING])
            self._peak_waiting = max(self._peak_waiting, scrape.values[WAITING])
        return scrape

    async def watch(self) -> None:
        while True:
            await self.scrape()
            self._read_memory()
            await asyncio.sleep(SAMPLE_S)

    def _read_memory(self) -> None:
        if self._pid is not None:
            try:
                self.peak_memory_mb = max(self.peak_memory_mb or 0.0, memory_mb(self._pid))
            except psutil.NoSuchProcess:  # requests fail, too, and are counted
                return

    def processor_time(self) -> ProcessorTime | None:
        """Processor time since the processes began; None if they run elsewhere or have ended."""
        if self._pid is None:
            return None
        try:
            server = psutil.Process(self._pid)
            api_s = _seconds(server)
            engine_s = sum(map(_seconds, server.children(recursive=True)))
        except psutil.NoSuchProcess:
            return None
        machine = psutil.cpu_times()._asdict()
        all_s = sum(spent for name, spent in machine.items() if name not in NOT_BUSY)
        return ProcessorTime(api_s, engine_s, all_s - api_s - engine_s - _seconds(psutil.Process()))

    def work(self, before: Scrape | None, after: Scrape | None) -> EngineWork | None:
        """What the engine did between the two."""
        if before is None or after is None:
            return None
        made = {name: after.values[name] - before.values[name] for name in SAMPLES}
        return EngineWork(
            seconds=after.at_s - before.at_s,
            num_steps=made[STEPS],
            generated_tokens=made[GENERATED],
            computed_prompt_tokens=made[PROMPT] - made[CACHED],
            num_preemptions=made[PREEMPTIONS],
            peak_running=self._peak_running,
            peak_waiting=self._peak_waiting,
        )

    async def becomes_idle(self, within_s: float) -> bool:
        """Whether nothing runs or waits any longer; at once where the server does not tell."""
        deadline = time.perf_counter() + within_s
        while time.perf_counter() < deadline:
            scrape = await self.scrape()
            if scrape is None or not scrape.num_unfinished:
                return True
            await asyncio.sleep(IDLE_POLL_S)
        return False
