"""One look for every picture: a size that fits a page, fonts that stay text, files that are the same to the byte."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import files, text_sanitising

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 7.2
HEIGHT_IN = 4.2
_DPI = 150
# Takes half the time of the usual 6 and a few per cent more bytes.
_COMPRESSION = 3
_FEW_DECADES = 2.5
_NOTE = "note"
# Room around the axes, in inches: the margin of the page, the title, numbers and label to the left and beneath, the key
# of a legend, a line of notes; and letters of the two sizes, of which most are narrower.
_MARGIN_IN, _TITLE_IN, _NUMBERS_IN, _AXIS_IN, _KEY_IN, _LINE_IN = 0.1, 0.42, 0.72, 0.62, 0.6, 0.13
_LETTER_IN, _SMALL_LETTER_IN = 0.078, 0.068
_BETWEEN = 0.25
_LONGEST_NAME = 40
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    # One font that matplotlib brings along, so that pictures don't depend on what a machine has installed.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    # The grid shows where a number stands; tick marks beside it would cost as much to draw as curves.
    "xtick.bottom": False,
    "ytick.left": False,
    # Letters that keep to the grid of pixels take a seventh of a picture's time, and 150 dots per inch don't need it.
    "text.hinting": "none",
    "figure.dpi": 100,
    # Text in SVG stays text; ids are hashed with a fixed salt, not a random one.
    "svg.fonttype": "none",
    "svg.hashsalt": "tuner-harness",
    # A name may hold a dollar sign, which is no formula.
    "text.parse_math": False,
}


@contextmanager
def figure(title: str, *, width_in: float = WIDTH_IN, height_in: float = HEIGHT_IN) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure of one set of axes, drawn in the harness's style."""
    with panels(title, count=1, width_in=width_in, height_in=height_in) as (made, axes):
        yield made, axes[0]


@contextmanager
def panels(
    title: str, *, count: int, width_in: float = WIDTH_IN, height_in: float = HEIGHT_IN
) -> Iterator[tuple[Figure, list[Axes]]]:
    """Give a figure of axes side by side that share what they show upwards, drawn in the harness's style."""
    import matplotlib as mpl  # noqa: PLC0415 - takes half a second to import
    from matplotlib.figure import Figure  # noqa: PLC0415 - see above

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes, in the PNG alone: no reason to lose the picture.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        made = Figure(figsize=(width_in, height_in))
        axes = made.subplots(1, count, sharey=True, squeeze=False)[0]
        made.text(0.01, 1 - _MARGIN_IN / height_in, title, va="top", fontsize=10)
        yield made, list(axes)


def save(made: Figure, stem: Path, *, row_names: Sequence[str] = ()) -> list[Path]:
    """Write ``stem.svg`` and ``stem.png``, each whole or not at all, without the date of their making.

    ``row_names`` are what stands to the left of the axes in place of numbers.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - takes half a second to import
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415 - see above

    _arrange(made, row_names)
    made.dpi = _DPI
    # The printers are called directly, as ``savefig`` would draw twice as often.
    canvas = FigureCanvasAgg(made)
    svg, png = io.BytesIO(), io.BytesIO()
    canvas.print_png(png, metadata={"Software": None}, pil_kwargs={"compress_level": _COMPRESSION})  # type: ignore[no-untyped-call] # has none
    FigureCanvasSVG(made).print_svg(svg, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call] # has none
    written = [stem.with_name(f"{stem.name}.svg"), stem.with_name(f"{stem.name}.png")]
    for path, stream in zip(written, (svg, png), strict=True):
        files.write_atomically(path, stream.getvalue())
    return written


def _arrange(made: Figure, row_names: Sequence[str]) -> None:
    """Leave room around the axes for what stands there, by its number of letters and lines.

    Measuring every text, as matplotlib's own layouts do, takes longer than drawing the picture.
    """
    width_in, height_in = made.get_size_inches()
    beside = [text.get_text() for legend in made.legends for text in legend.get_texts()]
    beneath = [line for text in made.texts for line in text.get_text().splitlines() if text.get_gid() == _NOTE]
    left_in = _NUMBERS_IN if not row_names else _MARGIN_IN + _LETTER_IN * max(map(len, row_names))
    right_in = _MARGIN_IN if not beside else _KEY_IN + _SMALL_LETTER_IN * max(map(len, beside))
    made.subplots_adjust(
        left=left_in / width_in,
        right=1 - right_in / width_in,
        bottom=(_AXIS_IN + _LINE_IN * len(beneath)) / height_in,
        top=1 - _TITLE_IN / height_in,
        wspace=_BETWEEN,
    )


def logarithmic(axes: Axes) -> None:
    """Let the costs grow by factors to the right, with plain numbers beneath: 0.5, not powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator  # noqa: PLC0415 - takes half a second to import

    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if _decades(axes) < _FEW_DECADES else (1.0,)))
    axes.xaxis.set_major_formatter(plain)
    # A tick costs as much to draw as a curve.
    axes.xaxis.set_minor_locator(NullLocator())


def _decades(axes: Axes) -> float:
    low, high = axes.get_xlim()
    return math.log10(high / low)


def legend_beside(made: Figure, axes: Axes) -> None:
    """Put the legend to the right of the axes, where it hides nothing; none where nothing has a label."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        top = 1 - _MARGIN_IN / made.get_size_inches()[1]
        made.legend(handles, labels, loc="upper right", bbox_to_anchor=(1, top), borderaxespad=0.3)


def short(name: str) -> str:
    """Return a name that is printable and leaves room for the picture."""
    shown = text_sanitising.line(name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def say(axes: Axes, text: str) -> None:
    """Say in the middle of empty axes why there is nothing to see."""
    axes.text(
        0.5,
        0.5,
        text_sanitising.line(text),
        transform=axes.transAxes,
        ha="center",
        va="center",
        color="#555555",
        wrap=True,
    )
    axes.set_axis_off()


def note(made: Figure, lines: Sequence[str]) -> None:
    """Put what a reader must know beneath the axes."""
    if lines:
        made.text(
            0.01,
            0.01,
            "\n".join(map(text_sanitising.line, lines)),
            fontsize=7.5,
            color="#555555",
            va="bottom",
            gid=_NOTE,
        )
