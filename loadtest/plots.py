"""Figures as pictures. matplotlib comes with the extra `plots`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.replay import Point, Replay

SUFFIXES = (".png", ".svg")


class NoPlots(Exception):
    """The message says what is missing or wrong."""


def draw_accuracy_curve(path: Path, curve: Sequence[Point], stopped: Replay) -> None:
    """Accuracy of full votes against their samples, and where the stopping rule ended.

    Raises:
        NoPlots: matplotlib is not installed, or the file's name does not end in .png or .svg.
    """
    figure, axes = _new_figure(path)
    sizes = [point.num_samples for point in curve]
    shares = [point.accuracy for point in curve]
    axes.plot(sizes, [100 * share.value for share in shares], marker="o", label="full vote")
    axes.fill_between(
        sizes,
        [100 * share.low for share in shares],
        [100 * share.high for share in shares],
        alpha=0.2,
        label="95 % interval",
    )
    axes.plot(
        [stopped.num_used.value],
        [100 * stopped.accuracy.value],
        marker="*",
        markersize=14,
        linestyle="none",
        label=f"stop={stopped.parameters['stop']}: {stopped.num_used.value:.2f} samples",
    )
    axes.set_xlabel("samples used")
    axes.set_ylabel("right, %")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def _new_figure(path: Path) -> tuple[Any, Any]:  # matplotlib's types are not at hand without it
    if path.suffix not in SUFFIXES:
        raise NoPlots(f"--plot must end in {' or '.join(SUFFIXES)}, got {path.name!r}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NoPlots("plots need matplotlib; install the extra `plots`") from None
    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    return figure, figure.add_subplot()
