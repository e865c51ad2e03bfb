"""What the report of a compressed checkpoint says, in two lines for the server's start.

`winnow compress` writes the report; here only what is told is read of it.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

REPORT = "winnow_report.json"


class _Figures(BaseModel):
    """More stands in the report than is told here."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _Checkpoint(_Figures):
    name: str
    disk_bytes: int = Field(gt=0)


class _Ratio(_Figures):
    median: float
    low: float
    high: float


class _Speed(_Figures):
    work: str
    batch_size: int
    ratio: _Ratio


class _Fidelity(_Figures):
    kl_mean: float
    top1_agreement: float


class _Text(_Figures):
    fidelity: _Fidelity | None


class _Change(_Figures):
    value: float
    low: float
    high: float


class _Task(_Figures):
    decoder: str
    change: _Change


class _Report(_Figures):
    original: _Checkpoint
    compressed: _Checkpoint
    speeds: tuple[_Speed, ...]
    text: _Text | None
    tasks: tuple[_Task, ...]


def compression_lines(model: str) -> list[str]:
    """None for a checkpoint without a report; a warning for one whose report cannot be read, which
    is no reason not to serve it."""
    file = Path(model).expanduser() / REPORT
    if not file.is_file():
        return []
    try:
        report = _Report.model_validate_json(file.read_bytes())
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        place = ".".join(map(str, error["loc"]))
        return [f"warning: {file} is ignored: {place}: {error['msg']}".replace(": : ", ": ")]
    except OSError as failure:
        return [f"warning: {file} is ignored: {failure.strerror}"]
    changes = [_told(task) for task in report.tasks]
    return [
        f"compressed from {report.original.name}: {', '.join(_gains(report))}",
        *([f"right answers against it, points: {'; '.join(changes)}"] if changes else []),
    ]


def _gains(report: _Report) -> list[str]:
    ratio = report.compressed.disk_bytes / report.original.disk_bytes
    gains = [f"{ratio:.2f} × its bytes"]
    gains += [
        f"{one.ratio.median:.2f} ({one.ratio.low:.2f}–{one.ratio.high:.2f}) × its {one.work} "
        f"tokens/s at batch {one.batch_size}"
        for one in report.speeds
    ]
    if report.text is not None and report.text.fidelity is not None:
        one = report.text.fidelity
        gains += [f"KL {one.kl_mean:.2g}", f"top-1 agreement {100 * one.top1_agreement:.1f} %"]
    return gains


def _told(task: _Task) -> str:
    change = task.change
    return (
        f"{task.decoder} {100 * change.value:+.1f} ({100 * change.low:+.1f} to "
        f"{100 * change.high:+.1f})"
    )
