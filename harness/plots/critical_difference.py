"""Tuners by mean test score, and which of them can't be told apart (after Demšar 2006, JMLR 7, Fig. 1)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis.statistics.tuner_ranks import Ranks
from harness.plots import figures
from harness.plots.tuner_style_arguments import Looks, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW_IN = 0.27
_BAR = "#444444"


def draw(found: Ranks, stem: Path, *, looks: Looks, score: str) -> list[Path]:
    """Draw each tuner at its mean test score, the best on top, and bars under those that can't be told apart."""
    height_in = 1.9 + _ROW_IN * (len(found.tuners) + len(found.cliques))
    with figures.figure(f"Tuners by mean test {score}", height_in=height_in) as (made, axes):
        if not found.tuners:
            figures.say(axes, " ".join(found.remarks))
            return figures.save(made, stem)
        for place, (tuner, mean) in enumerate(zip(found.tuners, found.means, strict=True)):
            axes.plot([mean], [place], linestyle="none", **marked(looks[tuner]))
        _bars(axes, found)
        names = _frame(axes, found, score)
        figures.note(made, [_rests_on(found), *found.remarks])
        return figures.save(made, stem, row_names=names)


def _bars(axes: Axes, found: Ranks) -> None:
    """Draw a bar for each clique beneath the tuners."""
    mean = dict(zip(found.tuners, found.means, strict=True))
    for row, clique in enumerate(found.cliques, start=len(found.tuners)):
        ends = [mean[clique[0]], mean[clique[-1]]]
        axes.plot(ends, [row, row], color=_BAR, linewidth=4, solid_capstyle="butt")


def _frame(axes: Axes, found: Ranks, score: str) -> list[str]:
    """Draw what surrounds the marks; return what stands to the left of each row."""
    names = [f"{figures.short(tuner)}  {mean:.3f}" for tuner, mean in zip(found.tuners, found.means, strict=True)]
    rows = [*names, *("not told apart" for _ in found.cliques)]
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"mean test {score} over seeds and groups")
    return rows


def _rests_on(found: Ranks) -> str:
    said = "some differ" if found.differ else "no two are shown to differ"
    groups = "1 group" if found.groups == 1 else f"{found.groups} groups"
    return f"{found.seeds} seeds, {groups}: {said}, all pairs tested together."
