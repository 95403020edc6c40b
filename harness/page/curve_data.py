"""What the page's script draws: for each group and tuner, the scores of the incumbents over each cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis import Group, Row, Status
from harness.analysis.cost_axes import Axis, Score, spent
from harness.analysis.statistics import Band, Line, band_of, lines
from harness.analysis.statistics.anytime_bands import MOST_POINTS
from harness.prices import Prices
from harness.reports.numerals import MoneyUnit

_SCORE_DIGITS = 4
_COST_DIGITS = 5

MOST_LINES = 200
"""Of more searches than these, none has a curve of its own: the page is to stay small."""

_FEW_TUNERS, _FEW_POINTS = 24, 24


def axes(money: MoneyUnit) -> dict[str, str]:
    """Return the costs that curves may be drawn over, and what a reader calls them."""
    return {axis.value: money.label if axis is Axis.COST_USD else axis.label for axis in Axis}


def scores(name: str) -> dict[str, str]:
    """Return the scores that curves may show, and what a reader calls them where the score is called ``name``."""
    return {score.value: score.called(name) for score in Score}


def document(groups: Sequence[Group], *, prices: Prices, money: MoneyUnit) -> list[dict[str, object]]:
    """Return the curves of each group in JSON's terms, the tuners in the order of the matrix.

    A tuner's ``bands`` are lists of ``[cost, mean, low, high]``, its ``lines`` one list of ``[cost, score]`` for each
    search, ended by what the search had spent, or None where there are more than ``MOST_LINES``; both by axis and
    score. ``counts`` are how many searches a curve is of. What is unknown on an axis stands in ``unknown`` with the
    reason. Dollars are in the unit ``money``. Where tuners are many, curves have fewer points.
    """
    rows = sum(len(group.rows) for group in groups)
    has_lines = sum(len(group.searches) for group in groups) <= MOST_LINES
    kept = _Kept(
        prices=prices, money=money, has_lines=has_lines, points=MOST_POINTS if rows <= _FEW_TUNERS else _FEW_POINTS
    )
    return [_group(group, kept) for group in groups]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """How much of curves a page keeps, and what it counts dollars in."""

    prices: Prices
    money: MoneyUnit
    has_lines: bool
    points: int

    def cost(self, axis: Axis, value: float | None) -> float | None:
        return _short(self.money.of(value) if axis is Axis.COST_USD else value)


def _group(group: Group, kept: _Kept) -> dict[str, object]:
    goal = group.target
    reasons = {axis.value: _why_unknown(group, axis, kept.prices) for axis in Axis}
    return {
        **group.name._asdict(),
        "target": None if goal is None else goal.score,
        "unknown": {axis: reason for axis, reason in reasons.items() if reason is not None},
        "tuners": [_tuner(row, kept) for row in group.rows],
    }


def _tuner(row: Row, kept: _Kept) -> dict[str, object]:
    bands: dict[str, object] = {}
    drawn: dict[str, object] = {}
    counts: dict[str, object] = {}
    for axis in Axis:
        found = {score: lines(row, axis=axis, score=score, prices=kept.prices) for score in Score}
        bands[axis.value] = {
            score.value: _points(band_of(used, row, axis=axis, score=score), kept) for score, used in found.items()
        }
        counts[axis.value] = {score.value: len(used) for score, used in found.items()}
        drawn[axis.value] = {
            score.value: [_steps(one, axis, kept) for one in used] if kept.has_lines else []
            for score, used in found.items()
        }
    return {"name": row.tuner, "planned": len(row.searches), "bands": bands, "counts": counts, "lines": drawn}


def _points(found: Band, kept: _Kept) -> list[list[float | None]]:
    columns = list(zip(found.cost, found.mean, found.low, found.high, strict=True))
    last = len(columns) - 1
    if last >= kept.points:
        columns = [columns[round(index * last / (kept.points - 1))] for index in range(kept.points)]
    return [[kept.cost(found.axis, cost), *map(_rounded, values)] for cost, *values in columns]


def _steps(one: Line, axis: Axis, kept: _Kept) -> list[list[float | None]]:
    steps = [[kept.cost(axis, cost), _rounded(score)] for cost, score in zip(one.cost, one.score, strict=True)]
    return [*steps, [kept.cost(axis, one.spent), _rounded(one.score[-1])]]


def _why_unknown(group: Group, axis: Axis, prices: Prices) -> str | None:
    """Return why no search that ended well has a cost on this axis; None where one has."""
    readings = [spent(s, axis=axis, prices=prices) for s in group.searches if s.status is Status.OK]
    if any(reading.value is not None for reading in readings):
        return None
    return next((reading.reason for reading in readings), None)


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, _SCORE_DIGITS)


def _short(cost: float | None) -> float | None:
    return None if cost is None or not math.isfinite(cost) else float(f"{cost:.{_COST_DIGITS}g}")
