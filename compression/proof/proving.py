"""The proof: a compressed checkpoint measured beside its original."""

import os
from contextlib import ExitStack
from pathlib import Path

from compression.checkpoint import POCKET, check_folder, disk_bytes, name_of
from compression.errors import UnusableInput
from compression.progress import Tell
from compression.proof.engine import Engine, Memory, running_engine
from compression.proof.figures import CheckpointFigures, Proof
from compression.proof.machine import describe_machine
from compression.proof.measuring import measure_speeds, measure_text
from compression.proof.options import ProofOptions
from compression.proof.tasks import measure_tasks
from compression.samples import Sample, read_samples

NO_TEXT = "no held-out text was given: no perplexity, KL divergence and top-1 agreement"
NO_DATASET = "no data set was given: no accuracy"
OTHER_VOCABULARY = (
    "the vocabularies differ: no KL divergence and top-1 agreement, and the perplexities are of "
    "different tokens"
)


def _untold(done: int, total: int, what: str) -> None:
    pass


def prove(original: Path, compressed: Path, options: ProofOptions, tell: Tell = _untold) -> Proof:
    """Measure everything that `options` have something to measure on.

    Speed, text and memory are vLLM's own, without a server around it, and both are loaded at the
    same time; accuracy is that of the server's replies, one server after the other.

    Raises:
        UnusableInput: a checkpoint, the text or the data set cannot be used.
        ProofFailed: a checkpoint does not load, or what was started for it failed.
    """
    for folder in (original, compressed):
        check_folder(folder)
    if original.resolve() == compressed.resolve():
        raise UnusableInput(f"checkpoint {compressed}: is the original itself")
    samples = check_inputs(options)
    serving = options.serving
    with ExitStack() as stack:
        engines = []
        for number, folder in enumerate((original, compressed)):
            tell(number, 2, "checkpoints loaded")
            running = running_engine(folder, serving.flags, serving.environment)
            engines.append(stack.enter_context(running))
        tell(2, 2, "checkpoints loaded")
        first, second = engines
        text = (
            None
            if options.text is None
            else measure_text(first, second, options.text.name, samples, options.top_k)
        )
        load_before = os.getloadavg()[0]
        speeds = measure_speeds(first, second, options, tell)
        load_after = os.getloadavg()[0]
        weights = [one.weigh() for one in engines]
    tasks = () if options.dataset is None else measure_tasks(original, compressed, options, tell)
    notes = [
        *([NO_TEXT] if text is None else [OTHER_VOCABULARY] if text.fidelity is None else []),
        *([] if tasks else [NO_DATASET]),
    ]
    return Proof(
        original=_figures(first, weights[0]),
        compressed=_figures(second, weights[1]),
        memory_measure=weights[1].measure,
        speeds=speeds,
        text=text,
        dataset=_dataset_name(options),
        tasks=tasks,
        notes=tuple(notes),
        machine=describe_machine((load_before, load_after)),
    )


def check_inputs(options: ProofOptions) -> tuple[Sample, ...]:
    """The held-out text.

    Raises:
        UnusableInput: it cannot be used, or the data set is not there.
    """
    if options.dataset not in (None, POCKET) and not Path(options.dataset).is_file():
        raise UnusableInput(f"--dataset {options.dataset}: no such file")
    return () if options.text is None else read_samples(options.text)


def _figures(engine: Engine, memory: Memory) -> CheckpointFigures:
    folder = engine.checkpoint
    return CheckpointFigures(name_of(folder), disk_bytes(folder), memory.num_bytes, engine.load_s)


def _dataset_name(options: ProofOptions) -> str | None:
    if options.dataset is None:
        return None
    return " ".join(part for part in (Path(options.dataset).name, options.split) if part)
