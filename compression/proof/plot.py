"""Accuracy against size and speed, a curve a decoder. matplotlib comes with the extra `plots`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from compression.errors import UnusableInput
from compression.proof.figures import CheckpointFigures, Proof, Share, SpeedFigures, Spread

SUFFIXES = (".png", ".svg")
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*")


class NoPlots(UnusableInput):
    """The message says what is missing or wrong."""


@dataclass(frozen=True)
class Point:
    """A checkpoint under one decoder. `speed` is tokens/s with its range; shares are in 0..1."""

    name: str
    is_original: bool
    num_bytes: float
    speed: Spread
    value: float
    low: float
    high: float


def check_plot(path: Path) -> None:
    """Check that the figure can be drawn to `path`.

    Raises:
        NoPlots: the suffix is of no picture, the folder does not exist, or matplotlib is missing.
    """
    if path.suffix not in SUFFIXES:
        raise NoPlots(f"--plot must end in {' or '.join(SUFFIXES)}, got {path.name!r}")
    if not path.parent.is_dir():
        raise NoPlots(f"--plot {path}: there is no folder {path.parent}")
    try:
        import matplotlib.figure  # noqa: F401  # only whether it is there
    except ImportError:
        raise NoPlots("plots need matplotlib; install the extra `plots`") from None


def curves(proofs: Sequence[Proof]) -> dict[str, list[Point]]:
    """Points by decoder. An original of several reports is one point: mean share, median speed."""
    decoders = list(dict.fromkeys(task.decoder for one in proofs for task in one.tasks))
    return {decoder: _points(proofs, decoder) for decoder in decoders}


def _points(proofs: Sequence[Proof], decoder: str) -> list[Point]:
    asked = [(one, task) for one in proofs for task in one.tasks if task.decoder == decoder]
    originals = {_identity(one): one.original for one, _ in asked}
    return [
        *(
            _original_point(
                figures,
                [one for one in proofs if _identity(one) == identity],
                [task.original for one, task in asked if _identity(one) == identity],
            )
            for identity, figures in originals.items()
        ),
        *(_compressed_point(one, task.compressed) for one, task in asked),
    ]


def _identity(proof: Proof) -> tuple[str, int]:
    """What reports of one original have in common."""
    return proof.original.name, proof.original.disk_bytes


def _original_point(
    figures: CheckpointFigures, proofs: Sequence[Proof], shares: Sequence[Share]
) -> Point:
    return Point(
        figures.name,
        True,
        figures.disk_bytes,
        _merged([widest_decode(one).original for one in proofs]),
        fmean(one.value for one in shares),
        fmean(one.low for one in shares),
        fmean(one.high for one in shares),
    )


def _merged(spreads: Sequence[Spread]) -> Spread:
    return Spread(
        median(one.median for one in spreads),
        min(one.low for one in spreads),
        max(one.high for one in spreads),
    )


def _compressed_point(proof: Proof, share: Share) -> Point:
    figures, speed = proof.compressed, widest_decode(proof).compressed
    return Point(figures.name, False, figures.disk_bytes, speed, share.value, share.low, share.high)


def widest_decode(proof: Proof) -> SpeedFigures:
    """Decoding at the largest batch: what a busy server does."""
    return max((s for s in proof.speeds if s.work == "decode"), key=lambda one: one.batch_size)


def draw_proofs(path: Path, proofs: Sequence[Proof]) -> None:
    """Two panels: accuracy against bytes on disk and against tokens/s.

    Raises:
        NoPlots: as above, or no accuracy was measured.
    """
    check_plot(path)
    by_decoder = curves(proofs)
    if not by_decoder:
        raise NoPlots("there is nothing to draw: no accuracy was measured")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), dpi=120, layout="constrained")
    sizes, speeds = figure.subplots(1, 2, sharey=True)
    for number, (decoder, points) in enumerate(by_decoder.items()):
        style = {"color": f"C{number % 10}", "label": decoder}
        marker = MARKERS[number % len(MARKERS)]
        _draw(sizes, [(_exact(one.num_bytes / 1e6), one) for one in points], marker, style)
        _draw(speeds, [(one.speed, one) for one in points], marker, style)
    everywhere = [one for points in by_decoder.values() for one in points]
    _name(sizes, {(one.name, one.is_original): one.num_bytes / 1e6 for one in everywhere})
    _name(speeds, {(one.name, one.is_original): one.speed.median for one in everywhere})
    sizes.set_xlabel("on disk, MB")
    speeds.set_xlabel(f"decoded tokens/s, batch {widest_decode(proofs[0]).batch_size} (range)")
    datasets = ", ".join(dict.fromkeys(one.dataset for one in proofs if one.dataset))
    sizes.set_ylabel(f"right on {datasets}, % (95 % interval)")
    for axes in (sizes, speeds):
        axes.set_ylim(-2, 102)
        axes.margins(x=0.15)
        axes.grid(alpha=0.3)
    handles, labels = sizes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize="small",
                  title="filled: compressed, hollow: original")  # fmt: skip
    figure.savefig(path)


def _exact(value: float) -> Spread:
    return Spread(value, value, value)


# Any: matplotlib's own types and keyword arguments.
def _draw(axes: Any, placed: Sequence[tuple[Spread, Point]], marker: str, style: Any) -> None:
    in_order = sorted(placed, key=lambda pair: pair[0].median)
    axes.errorbar(
        [x.median for x, _ in in_order],
        [100 * one.value for _, one in in_order],
        yerr=[
            [100 * max(0.0, one.value - one.low) for _, one in in_order],
            [100 * max(0.0, one.high - one.value) for _, one in in_order],
        ],
        xerr=[
            [x.median - x.low for x, _ in in_order],
            [x.high - x.median for x, _ in in_order],
        ],
        linewidth=1,
        capsize=2,
        marker=marker,
        **style,
    )
    hollow = [(x, one) for x, one in in_order if one.is_original]
    axes.plot(
        [x.median for x, _ in hollow],
        [100 * one.value for _, one in hollow],
        linestyle="none",
        marker=marker,
        color=style["color"],
        markerfacecolor="white",
        markersize=9,
        zorder=3,
    )


def _name(axes: Any, places: dict[tuple[str, bool], float]) -> None:
    """Each checkpoint's name once, above the panel, where no curve runs through it."""
    names: dict[float, list[str]] = {}
    for (name, _), x in places.items():
        names.setdefault(x, []).append(name)
    for x, together in names.items():
        axes.axvline(x, color="grey", linewidth=0.6, linestyle=":", zorder=0)
        axes.annotate(
            ", ".join(together),
            (x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            rotation=30,
            fontsize="small",
        )
