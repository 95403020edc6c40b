"""Anytime curves: the incumbent's score over what had been spent, a step function for each tuner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis import Group
from harness.analysis.cost_axes import Axis, Score
from harness.analysis.statistics.anytime_bands import Band, bands
from harness.plots import figures
from harness.plots.tuner_style_arguments import Looks, lined
from harness.prices import Prices

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHADE = 0.12
_MOST_SHADES = 6
_CAUTION = (
    "Mean of the searches' incumbents from the moment when each has one (their number in brackets); the tuner's",
    "thinking is counted, scoring test images is not. A search that ended earlier goes on with its last value.",
)


def draw(group: Group, stem: Path, *, title: str, axis: Axis, looks: Looks, prices: Prices) -> list[Path]:
    """Draw the mean curves of the validation and the test score side by side, as ``<stem>.svg`` and ``.png``."""
    with figures.panels(f"Incumbent's {group.score} over cost: {title}", count=len(Score)) as (made, panels):
        notes: dict[str, None] = {}
        for axes, score in zip(panels, Score, strict=True):
            found = bands(group, axis=axis, score=score, prices=prices)
            notes |= dict.fromkeys(_panel(axes, found, looks, axis=axis, score=score.called(group.score)))
        figures.legend_beside(made, panels[0])
        figures.note(made, [*_CAUTION, *notes] if notes else [])
        return figures.save(made, stem)


def _panel(axes: Axes, found: Sequence[Band], looks: Looks, *, axis: Axis, score: str) -> list[str]:
    """Draw one score, called so; return what is to be said beneath."""
    drawn = [band for band in found if band.searches]
    if not drawn:
        figures.say(axes, f"No search has a {score} and a known cost.")
        return []
    for band in drawn:
        _curve(axes, band, looks, shaded=len(drawn) <= _MOST_SHADES)
    if min(band.cost[0] for band in drawn) > 0:
        figures.logarithmic(axes)
    axes.set_xlabel(f"{axis.label} spent")
    axes.set_ylabel(f"{score} of the incumbent")
    return [*_bounds(drawn), *_left_out(found)]


def _curve(axes: Axes, band: Band, looks: Looks, *, shaded: bool) -> None:
    look = lined(looks[band.tuner])
    label = f"{figures.short(band.tuner)} ({band.searches})"
    axes.plot(band.cost, band.mean, drawstyle="steps-post", label=label, **look)
    low = [bound for bound in band.low if bound is not None]
    high = [bound for bound in band.high if bound is not None]
    if shaded and len(low) == len(high) == len(band.cost):
        axes.fill_between(band.cost, low, high, step="post", color=look["color"], alpha=_SHADE, linewidth=0)


def _bounds(drawn: Sequence[Band]) -> list[str]:
    if len(drawn) > _MOST_SHADES:
        return [f"Intervals are not drawn for more than {_MOST_SHADES} tuners; the page and the tables have them."]
    return ["Shaded: pointwise 95 % t interval over seeds; where two overlap or part at one cost, nothing is shown."]


def _left_out(found: Sequence[Band]) -> list[str]:
    names = [f"{figures.short(band.tuner)} ({band.left_out})" for band in found if band.left_out]
    return [f"Searches left out, as failed, missing or of unknown cost: {', '.join(names)}."] if names else []
