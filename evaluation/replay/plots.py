"""The curve of a replay as a picture."""

from collections.abc import Sequence
from pathlib import Path

from evaluation.replay.replay import Point, Replay
from measurement.plots import new_figure


def draw_accuracy_curve(path: Path, curve: Sequence[Point], stopped: Replay) -> None:
    """Accuracy of full votes against their samples, and where the stopping rule ended.

    Raises:
        NoPlots: matplotlib is not installed, or the file's name does not end in .png or .svg.
    """
    figure, (axes,) = new_figure(path)
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
