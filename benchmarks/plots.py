"""Accuracy against tokens as a picture."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.votes import VoteFigure
from measurement.plots import MARKERS, new_figure

TOKEN_TICKS = (10, 30, 100, 300, 1000)


def draw_accuracy_against_tokens(path: Path, figures: Sequence[VoteFigure]) -> None:
    """A panel a split; what belongs to one family is joined by a line.

    Raises:
        NoPlots: matplotlib is not installed, or the file's name does not end in .png or .svg.
    """
    splits = list(dict.fromkeys(figure.split for figure in figures))
    families = list(dict.fromkeys(figure.family for figure in figures))
    canvas, panels = new_figure(path, len(splits))
    for split, axes in zip(splits, panels, strict=True):
        for number, family in enumerate(families):
            points = [f for f in figures if (f.split, f.family) == (split, family)]
            values = [100 * point.share.value for point in points]
            below = [100 * max(0.0, point.share.value - point.share.low) for point in points]
            above = [100 * max(0.0, point.share.high - point.share.value) for point in points]
            axes.errorbar(
                [point.mean_tokens for point in points],
                values,
                yerr=[below, above],
                marker=MARKERS[number % len(MARKERS)],
                linestyle="-" if len(points) > 2 else "none",
                capsize=2,
                label=family,
            )
        axes.set_title(split.replace("_", " "))
        axes.set_xlabel("generated tokens a question")
        axes.set_xscale("log")
        axes.set_xticks(TOKEN_TICKS, [str(tick) for tick in TOKEN_TICKS])
        axes.set_ylim(0, 101)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("right, % (95 % interval)")
    panels[-1].legend(fontsize="small")
    canvas.savefig(path)
