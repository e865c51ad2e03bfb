"""Serial CoT-decoding by Hugging Face's `generate`: one path after the other."""

from dataclasses import dataclass

from benchmarks.compare.floor import ask
from benchmarks.compare.peer import Label, Run, Setting
from benchmarks.worker_process import running_worker


@dataclass(frozen=True)
class HfSerial:
    label: Label

    def prepare(self, setting: Setting) -> Run:
        threads = ["--threads", str(setting.hf_threads)]
        worker = setting.running.once(
            "hf",
            lambda: running_worker(
                "benchmarks.compare.hf_worker",
                [setting.serving.checkpoint, *threads],
                setting.serving.environment,
            ),
        )
        return lambda problems: ask(worker, problems, {"k": setting.k})


def hf_serial(k: int, num_threads: int) -> HfSerial:
    threads = "1 thread" if num_threads == 1 else f"{num_threads} threads"
    name = f"Hugging Face generate, serial paths k={k}"
    return HfSerial(Label("hf-cot", name, "cot", "hf", f"selects nothing, {threads}", is_slow=True))
