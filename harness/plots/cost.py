"""Test score against what it cost, with the front that no other tuner beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis import Group, Row
from harness.plots import figures
from harness.plots.tuner_style_arguments import Looks, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FRONT = "#555555"
_CAUTION = "Seeds in brackets. The front is one of means: where intervals overlap, it may be chance."


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPoint:
    """One tuner: mean cost per search and mean test score with its interval over seeds."""

    row: Row
    cost: float
    score: float


def front(points: Sequence[CostPoint]) -> list[CostPoint]:
    """Return the points that no other reaches for at most the same cost and at least the same score, cheapest first."""
    best: list[CostPoint] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.score)):
        if not best or point.score > best[-1].score:
            best.append(point)
    return best


def draw(group: Group, stem: Path, *, title: str, looks: Looks) -> list[Path]:
    """Draw each tuner's mean test score over its mean search seconds, as ``<stem>.svg`` and ``.png``."""
    points = [point for row in group.rows if (point := _point(row)) is not None]
    with figures.figure(f"Test {group.score} against cost: {title}") as (made, axes):
        if not points:
            figures.say(axes, f"No search has a test {group.score} and a known cost.")
            return figures.save(made, stem)
        for point in points:
            _mark(axes, point, looks)
        on_front = front(points)
        axes.plot(
            [point.cost for point in on_front],
            [point.score for point in on_front],
            drawstyle="steps-post",
            color=_FRONT,
            linestyle=":",
            linewidth=1.2,
            zorder=1,
            label="Pareto front of the means",
        )
        if min(point.cost for point in points) > 0:
            figures.logarithmic(axes)
        axes.set_xlabel("search s (mean over seeds)")
        axes.set_ylabel(f"test {group.score} (mean, 95 % t interval)")
        figures.legend_beside(made, axes)
        figures.note(made, [_CAUTION, *_left_out(group, points)])
        return figures.save(made, stem)


def _point(row: Row) -> CostPoint | None:
    cost, score = row.mean_cost(lambda spent: spent.wall_s), row.test_score.mean
    return None if cost is None or score is None else CostPoint(row=row, cost=cost, score=score)


def _left_out(group: Group, points: Sequence[CostPoint]) -> list[str]:
    drawn = {point.row.tuner for point in points}
    names = [figures.short(row.tuner) for row in group.rows if row.tuner not in drawn]
    return [f"Left out, as cost or {group.score} is unknown: {', '.join(names)}."] if names else []


def _mark(axes: Axes, point: CostPoint, looks: Looks) -> None:
    found = point.row.test_score
    low, high = (point.score if bound is None else bound for bound in (found.low, found.high))
    axes.errorbar(
        [point.cost],
        [point.score],
        yerr=[[point.score - low], [high - point.score]],
        **marked(looks[point.row.tuner]),
        linestyle="none",
        linewidth=1,
        capsize=2,
        label=f"{figures.short(point.row.tuner)} ({found.n})",
    )
