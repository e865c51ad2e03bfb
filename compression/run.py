"""Carries out a recipe, step by step, into the staging folder."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import assert_never

from safetensors import SafetensorError

from compression.checkpoint import is_quantized
from compression.errors import ToolFailed, UnusableInput
from compression.leaks import check_leaks
from compression.progress import Tell
from compression.pruning.recipe import Heal, Prune
from compression.record import Order, write_record
from compression.staging import Staging, write_whole
from compression.steps import W4A16, Quantization, Step, ToolStep, tool_of, weight_bits
from compression.tool_process import run_tool
from compression.weights import read_weights

TOLD = "told.json"
"""What the steps that are done said of their outcomes, beside these."""


def make(order: Order, staging: Staging, environment: Mapping[str, str], tell: Tell) -> Path:
    """The finished checkpoint in `staging`; steps that an earlier run finished are not repeated.

    Raises:
        CompressionError: a step cannot be done on this checkpoint, or broke off.
    """
    if staging.final.exists():
        return staging.final
    told = _read_told(staging)
    folder = order.source
    for number, step in enumerate(order.recipe.steps, start=1):
        done = staging.step_folder(number, step.kind)
        if not done.exists():
            part = staging.begin_step(number, step.kind)
            said = _carry_out(step, folder, part, order, environment, tell)
            _check_leaks(part, order)
            told = [*told[: number - 1], said]
            write_whole(staging.folder / TOLD, json.dumps(told))
            staging.end_step(number, step.kind)
        folder = done
    write_record(staging.order, told, folder)
    return staging.finish(folder)


def _check_leaks(part: Path, order: Order) -> None:
    if order.calibration is None:
        return
    try:
        check_leaks(part, order.calibration.texts, order.source)
    except ToolFailed:
        shutil.rmtree(part)
        raise


def _read_told(staging: Staging) -> list[str]:
    file = staging.folder / TOLD
    told: list[str] = json.loads(file.read_text()) if file.exists() else []
    return told


def _carry_out(
    step: Step, source: Path, out: Path, order: Order, environment: Mapping[str, str], tell: Tell
) -> str:
    """What the step says of its outcome."""
    texts = () if order.calibration is None else order.calibration.texts
    if isinstance(step, ToolStep):
        check_groups(step, source)
        run_tool(step, source, out, texts, environment, tell)
        if isinstance(step, Quantization) and not is_quantized(out):
            raise UnusableInput(
                f"checkpoint {order.source}: {tool_of(step)} finds nothing to quantize in its "
                "architecture"
            )
        return said_of(step, source, out)
    try:
        return _carry_out_own(step, source, out, order, texts, tell)
    except (SafetensorError, RuntimeError, MemoryError) as failure:  # no memory, or a full disk
        reason = next(iter(str(failure).splitlines()), type(failure).__name__)
        raise ToolFailed(f"{step.kind}: {reason}") from None


def _carry_out_own(
    step: Prune | Heal, source: Path, out: Path, order: Order, texts: Sequence[str], tell: Tell
) -> str:
    # Imported late, as tools need none of torch in this process.
    if isinstance(step, Prune):
        from compression.pruning.pruning import prune

        return f"prune: {prune(source, out, step, texts, tell)}"
    if isinstance(step, Heal):
        from compression.pruning.healing import heal

        return f"heal: {heal(source, order.source, out, step, texts, tell)}"
    assert_never(step)


def said_of(step: ToolStep, source: Path, out: Path) -> str:
    before, after = (sum(one.num_bytes for one in read_weights(f)) for f in (source, out))
    bits = weight_bits(step)
    how = "" if bits is None else f", linear layers at {bits:g} bits a weight"
    return f"{step.kind}: {after / before:.2f} × the weights' bytes{how}"


def check_groups(step: ToolStep, folder: Path) -> None:
    """Check that `group_size` divides the inputs of every linear layer.

    Raises:
        UnusableInput: a layer's inputs are not whole groups.
    """
    if not isinstance(step, W4A16):
        return
    for weight in read_weights(folder):
        if weight.is_linear and weight.shape[1] % step.group_size:
            raise UnusableInput(
                f"group_size must divide the inputs of every linear layer: {weight.name} has "
                f"{weight.shape[1]}, got {step.group_size}"
            )
