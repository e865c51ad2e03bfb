"""Figures as pictures. matplotlib comes with the extra `plots`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.replay import Point, Replay
from loadtest.votes import VoteFigure

SUFFIXES = (".png", ".svg")
TOKEN_TICKS = (10, 30, 100, 300, 1000)
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*")


class NoPlots(Exception):
    """The message says what is missing or wrong."""


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


def draw_accuracy_against_tokens(path: Path, figures: Sequence[VoteFigure]) -> None:
    """A panel a split; what belongs to one family is joined by a line.

    Raises:
        NoPlots: as above.
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


def new_figure(path: Path, num_panels: int = 1) -> tuple[Any, Any]:  # matplotlib's own types
    """A canvas and its panels, side by side."""
    width = 7 if num_panels == 1 else 5 * num_panels
    figure = _canvas(path, width, 4.5)
    return figure, figure.subplots(1, num_panels, squeeze=False, sharey=True)[0]


def new_grid(path: Path, num_rows: int, num_columns: int) -> tuple[Any, Any]:  # as above
    """A canvas and its panels (num_rows, num_columns), each with axes of its own."""
    figure = _canvas(path, 5.5 * num_columns, 3.8 * num_rows)
    return figure, figure.subplots(num_rows, num_columns, squeeze=False)


def new_figure_in_memory() -> tuple[Any, Any]:
    """A canvas and its one panel, of a size for a page."""
    figure = _figure_class()(figsize=(5.4, 3.6), layout="constrained")
    return figure, figure.subplots()


def check_plot_name(path: Path) -> None:
    """Raises NoPlots."""
    if path.suffix not in SUFFIXES:
        raise NoPlots(f"--plot must end in {' or '.join(SUFFIXES)}, got {path.name!r}")


def _canvas(path: Path, width: float, height: float) -> Any:  # matplotlib's own type
    check_plot_name(path)
    return _figure_class()(figsize=(width, height), dpi=120, layout="constrained")


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NoPlots("plots need matplotlib; install the extra `plots`") from None
    return Figure
