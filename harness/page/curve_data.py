"""What the page's script draws: for each group and tuner, the scores of the incumbents over each cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis import Group, Row, Status
from harness.analysis.cost_axes import Axis, Score, spent
from harness.analysis.statistics import Band, Line, band_of, lines
from harness.prices import Prices

_SCORE_DIGITS = 4
_COST_DIGITS = 5

AXES = {axis.value: axis.label for axis in Axis}
"""The costs that curves may be drawn over, and what a reader calls them."""


def scores(name: str) -> dict[str, str]:
    """Return the scores that curves may show, and what a reader calls them where the score is called ``name``."""
    return {score.value: score.called(name) for score in Score}


def document(groups: Sequence[Group], *, prices: Prices) -> list[dict[str, object]]:
    """Return the curves of each group in JSON's terms, the tuners in the order of the matrix.

    A tuner's ``bands`` are lists of ``[cost, mean, low, high]``, its ``lines`` one list of ``[cost, score]`` for each
    search, ended by what the search had spent; both by axis and score. What is unknown on an axis stands in
    ``unknown`` with the reason.
    """
    return [_group(group, prices) for group in groups]


def _group(group: Group, prices: Prices) -> dict[str, object]:
    goal = group.target
    reasons = {axis.value: _why_unknown(group, axis, prices) for axis in Axis}
    return {
        **group.name._asdict(),
        "target": None if goal is None else goal.score,
        "unknown": {axis: reason for axis, reason in reasons.items() if reason is not None},
        "tuners": [_tuner(row, prices) for row in group.rows],
    }


def _tuner(row: Row, prices: Prices) -> dict[str, object]:
    bands, drawn = {}, {}
    for axis in Axis:
        found = {score: lines(row, axis=axis, score=score, prices=prices) for score in Score}
        bands[axis.value] = {
            score.value: _points(band_of(used, row, axis=axis, score=score)) for score, used in found.items()
        }
        drawn[axis.value] = {score.value: [_steps(one) for one in used] for score, used in found.items()}
    return {"name": row.tuner, "planned": len(row.searches), "bands": bands, "lines": drawn}


def _points(found: Band) -> list[list[float | None]]:
    columns = zip(found.cost, found.mean, found.low, found.high, strict=True)
    return [[_short(cost), *map(_rounded, values)] for cost, *values in columns]


def _steps(one: Line) -> list[list[float | None]]:
    steps = [[_short(cost), _rounded(score)] for cost, score in zip(one.cost, one.score, strict=True)]
    return [*steps, [_short(one.spent), _rounded(one.score[-1])]]


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
