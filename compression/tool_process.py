"""Runs a step of a library's in the library's own environment."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from compression.environments import prepared
from compression.errors import ToolFailed
from compression.progress import Tell
from compression.steps import ToolStep, tool_of
from measurement.child_process import Child, running_child

WORKER = Path(__file__).with_name("quantize_worker.py")
KILLED = -9


class _Progress(BaseModel):
    done: int
    total: int
    what: str


def run_tool(
    step: ToolStep,
    source: Path,
    out: Path,
    texts: Sequence[str],
    environment: Mapping[str, str],
    tell: Tell,
) -> None:
    """Write the step's outcome into `out`, a fresh folder. `texts` go through a pipe, not a file.

    Raises:
        ToolFailed: the tool could not be set up or broke off; all it said is in `out`'s `.log`.
    """
    tool = tool_of(step)
    python = prepared(tool, environment, tell)
    job = {
        "step": step.model_dump(mode="json"),
        "source": str(source.resolve()),
        "out": str(out.resolve()),
        "texts": list(texts),
    }
    command = (str(python), "-I", str(WORKER))  # -I: our modules are none of its
    with running_child(command, _environment(python, environment), has_pipes=True) as child:
        _hand_over(child, job)
        assert child.process.stdout is not None
        for line in child.process.stdout:
            told = _Progress.model_validate_json(line)
            tell(told.done, told.total, told.what)
        code = child.process.wait()
        if code:
            log = out.with_suffix(".log")
            log.write_text(child.said())
            reason = "was killed; out of memory?" if code == KILLED else child.reason()
            raise ToolFailed(f"{tool}, {step.kind}: {reason} (all it said: {log})")
    if not out.is_dir():
        raise ToolFailed(f"{tool}, {step.kind}: ended without an outcome")


def _hand_over(child: Child, job: object) -> None:
    assert child.process.stdin is not None
    try:
        with child.process.stdin as pipe:
            pipe.write(json.dumps(job).encode())
    except BrokenPipeError:
        pass  # it has ended already, and its exit code says so


def _environment(python: Path, environment: Mapping[str, str]) -> dict[str, str]:
    num_workers = max(3, (os.cpu_count() or 1) + 1)  # gptqmodel takes one away
    return {
        **environment,
        "PATH": f"{python.parent}{os.pathsep}{environment.get('PATH', '')}",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "GPTQMODEL_CPU_WORKERS": str(num_workers),
    }
