"""`winnow_report.json` in the compressed checkpoint's folder, and tables for people."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from compression.checkpoint import REPORT
from compression.errors import UnreadableReport
from compression.proof.figures import (
    MIN_TELLING_ROUNDS,
    TWIN_SPREAD,
    CheckpointFigures,
    Proof,
    Share,
    SpeedFigures,
    Spread,
    TaskFigures,
    TextFigures,
)
from measurement.tables import format_table

NOTHING = "–"
MEMORY = {"freed": "weights in memory, MB", "loaded": "weights in the accelerator, MB"}
_ADAPTER: TypeAdapter[Proof] = TypeAdapter(Proof)


def write_proof(proof: Proof, folder: Path) -> Path:
    """The report's file, whole or not at all."""
    file = folder / REPORT
    draft = folder / f"{REPORT}.{os.getpid()}"
    text = json.dumps(asdict(proof), ensure_ascii=False, indent=1, allow_nan=False)
    draft.write_text(text + "\n", "utf-8")
    draft.replace(file)
    return file


def read_proof(folder: Path) -> Proof:
    """Read the report of a compressed checkpoint's folder.

    Raises:
        UnreadableReport: there is none, or it is not as `write_proof` writes it.
    """
    file = folder / REPORT
    try:
        return _ADAPTER.validate_json(file.read_bytes())
    except OSError as failure:
        raise UnreadableReport(f"{file}: {failure.strerror}") from None
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        place = ".".join(map(str, error["loc"]))
        said = f"{place}: {error['msg']}" if place else error["msg"]
        raise UnreadableReport(f"{file}: {said}") from None


def render_proof(proof: Proof) -> str:
    """One checkpoint beside its original."""
    original, compressed = proof.original, proof.compressed
    rows = [
        _ratio_row("on disk, MB", _megabytes, original.disk_bytes, compressed.disk_bytes),
        _ratio_row(
            MEMORY[proof.memory_measure],
            _megabytes,
            original.memory_bytes,
            compressed.memory_bytes,
        ),
        _ratio_row("load, s (once)", "{:.1f}".format, original.load_s, compressed.load_s),
        *([] if proof.text is None else _text_rows(proof.text)),
        *(_speed_row(one) for one in proof.speeds),
    ]
    header = ("", original.name, compressed.name, "ratio", "control")
    tables = [format_table(header, [(*row, *[""] * (5 - len(row))) for row in rows])]
    if proof.tasks:
        task_header = (
            *(f"right, {proof.dataset}", "n", original.name, compressed.name, "change, points"),
            *("95 % interval", "lost", "won", "McNemar p", "tokens", "tokens"),
        )
        tables.append(format_table(task_header, [_task_row(one) for one in proof.tasks]))
    notes = [*_speed_notes(proof), *(f"not measured: {note}" for note in proof.notes)]
    return "\n\n".join([*tables, *(["\n".join(notes)] if notes else [])])


def render_comparison(proofs: Sequence[Proof]) -> str:
    """Several compressed checkpoints, each a line after its original.

    An original of several checkpoints has a line for each of their reports, since each measured it.
    """
    decoders = list(dict.fromkeys(task.decoder for one in proofs for task in one.tasks))
    speeds = list(dict.fromkeys(_speed_name(speed) for one in proofs for speed in one.speeds))
    header = (
        *("checkpoint", "disk MB", "memory MB", "perplexity", "KL", "top-1"),
        *speeds,
        *(f"{decoder}, % right" for decoder in decoders),
    )
    rows = []
    for proof in proofs:
        for is_original in (True, False):
            rows.append(_comparison_row(proof, is_original, speeds, decoders))
    notes = [f"{one.compressed.name}: {note}" for one in proofs for note in _speed_notes(one)]
    return "\n\n".join([format_table(header, rows), *(["\n".join(notes)] if notes else [])])


def _ratio_row(
    what: str, shown: Callable[[float], str], original: float, compressed: float
) -> tuple[str, ...]:
    ratio = f"{compressed / original:.3f}" if original > 0 else NOTHING
    return what, shown(original), shown(compressed), ratio


def _text_rows(text: TextFigures) -> list[tuple[str, ...]]:
    tokens = f"{text.original_num_tokens:,} tokens"
    is_comparable = text.fidelity is not None
    ratio = f"{text.compressed_perplexity / text.original_perplexity:.3f}"
    rows: list[tuple[str, ...]] = [
        (
            f"perplexity, {text.source}, {tokens}",
            f"{text.original_perplexity:.3f}",
            f"{text.compressed_perplexity:.3f}",
            ratio if is_comparable else NOTHING,
        )
    ]
    if text.fidelity is not None:
        one = text.fidelity
        covered = f"top {one.top_k}, {100 * one.covered:.2f} % covered"
        rows += [
            (f"KL, nats a token, {covered}", "", f"{one.kl_mean:.6f}", ""),
            ("KL, 99th percentile", "", f"{one.kl_p99:.6f}", ""),
            ("top-1 agreement", "", f"{100 * one.top1_agreement:.2f} %", ""),
        ]
    return rows


def _speed_row(one: SpeedFigures) -> tuple[str, ...]:
    ratio, control = one.ratio, one.control
    return (
        f"{_speed_name(one)}, {one.num_rounds} rounds",
        _spread(one.original),
        _spread(one.compressed),
        f"{ratio.median:.3f} ({ratio.low:.3f}–{ratio.high:.3f})",
        f"{control.median:.3f} ({control.low:.3f}–{control.high:.3f})",
    )


def _speed_notes(proof: Proof) -> list[str]:
    notes = []
    alike = [_speed_name(one) for one in proof.speeds if not one.is_told_apart]
    if alike:
        notes.append(
            f"not told apart (within {TWIN_SPREAD:.0%} of 1, rounds on both sides of it, or fewer "
            f"than {MIN_TELLING_ROUNDS}): " + "; ".join(alike)
        )
    machine = proof.machine
    busy = max(machine.load_average)
    if busy > machine.num_cores:
        notes.append(
            f"speeds are of a busy machine: load average {busy:.1f}, {machine.num_cores} cores"
        )
    return notes


def _speed_name(one: SpeedFigures) -> str:
    return f"{one.work} tokens/s, batch {one.batch_size}"


def _spread(one: Spread) -> str:
    return f"{one.median:,.0f} ({one.low:,.0f}–{one.high:,.0f})"


def _task_row(one: TaskFigures) -> tuple[str, ...]:
    change = one.change
    return (
        one.decoder,
        str(change.num_total),
        _share(one.original),
        _share(one.compressed),
        f"{100 * change.value:+.1f}",
        f"{100 * change.low:+.1f} to {100 * change.high:+.1f}",
        str(change.num_only_original),
        str(change.num_only_compressed),
        f"{change.p_value:.4f}" if change.p_value >= 0.0001 else f"{change.p_value:.0e}",
        *(
            NOTHING if tokens is None else f"{tokens:.0f}"
            for tokens in (one.original_tokens, one.compressed_tokens)
        ),
    )


def _share(one: Share) -> str:
    return f"{100 * one.value:.1f} % ({100 * one.low:.1f}–{100 * one.high:.1f})"


def _comparison_row(
    proof: Proof, is_original: bool, speeds: Sequence[str], decoders: Sequence[str]
) -> tuple[str, ...]:
    figures: CheckpointFigures = proof.original if is_original else proof.compressed
    text = proof.text
    perplexity = text and (text.original_perplexity if is_original else text.compressed_perplexity)
    fidelity = None if text is None or is_original else text.fidelity
    speed_of = {
        _speed_name(one): (one.original if is_original else one.compressed).median
        for one in proof.speeds
    }
    share_of = {
        one.decoder: (one.original if is_original else one.compressed).value for one in proof.tasks
    }
    return (
        figures.name if is_original else f"  {figures.name}",
        _megabytes(figures.disk_bytes),
        _megabytes(figures.memory_bytes),
        NOTHING if perplexity is None else f"{perplexity:.3f}",
        NOTHING if fidelity is None else f"{fidelity.kl_mean:.6f}",
        NOTHING if fidelity is None else f"{100 * fidelity.top1_agreement:.2f} %",
        *(f"{speed_of[name]:,.0f}" if name in speed_of else NOTHING for name in speeds),
        *(f"{100 * share_of[name]:.1f}" if name in share_of else NOTHING for name in decoders),
    )


def _megabytes(num_bytes: float) -> str:
    return f"{num_bytes / 1e6:,.1f}"
