"""Figures as pictures. matplotlib comes with the extra `plots`."""

from pathlib import Path
from typing import Any

SUFFIXES = (".png", ".svg")
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*")


class NoPlots(Exception):
    """The message says what is missing or wrong."""


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
    """Check that the file's suffix is of a picture.

    Raises:
        NoPlots: it is not.
    """
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
