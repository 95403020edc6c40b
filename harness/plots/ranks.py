"""Critical-difference diagram: average ranks, and which of them can't be told apart (Demšar 2006, JMLR 7, Fig. 1)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis.statistics.ranks import Ranks
from harness.plots import figures
from harness.plots.looks import Looks, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW_IN = 0.27
_BAR = "#444444"


def draw(found: Ranks, stem: Path, *, looks: Looks, score: str) -> list[Path]:
    """Draw each tuner at its average rank, the best on top, and bars over those that can't be told apart."""
    height_in = 1.9 + _ROW_IN * (len(found.tuners) + len(found.cliques))
    with figures.figure(f"Average ranks by test {score}", height_in=height_in) as (made, axes):
        if not found.tuners:
            figures.say(axes, " ".join(found.remarks))
            return figures.save(made, stem)
        for place, (tuner, rank) in enumerate(zip(found.tuners, found.average, strict=True)):
            axes.plot([rank], [place], linestyle="none", **marked(looks[tuner]))
        _bars(axes, found)
        names = _frame(axes, found)
        figures.note(made, [_rests_on(found), *found.remarks])
        return figures.save(made, stem, row_names=names)


def _bars(axes: Axes, found: Ranks) -> None:
    """Draw a bar for each clique beneath the tuners, and the critical difference beneath the bars."""
    rank = dict(zip(found.tuners, found.average, strict=True))
    for row, clique in enumerate(found.cliques, start=len(found.tuners)):
        ends = [rank[clique[0]], rank[clique[-1]]]
        axes.plot(ends, [row, row], color=_BAR, linewidth=4, solid_capstyle="butt")
    if found.critical_difference is not None:
        row = len(found.tuners) + len(found.cliques)
        axes.errorbar(
            [1 + found.critical_difference / 2], [row], xerr=found.critical_difference / 2, color=_BAR, capsize=4
        )


def _frame(axes: Axes, found: Ranks) -> list[str]:
    """Draw what surrounds the marks; return what stands to the left of each row."""
    names = [f"{figures.short(tuner)}  {rank:.2f}" for tuner, rank in zip(found.tuners, found.average, strict=True)]
    bars = ["not told apart" for _ in found.cliques]
    difference = [] if found.critical_difference is None else [f"critical difference {found.critical_difference:.2f}"]
    rows = [*names, *bars, *difference]
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    right = max(len(found.tuners), 1 + (found.critical_difference or 0))
    axes.set_xlim(0.9, math.ceil(right) + 0.1)
    axes.set_xlabel("average rank (1 is best)")
    return rows


def _rests_on(found: Ranks) -> str:
    friedman = "" if found.p is None else f"; Friedman: p = {found.p:.2g}"
    return f"Over {found.blocks} groups × seeds{friedman}; bars by Nemenyi's test at 0.05."
