"""Anytime curves over seeds: the mean incumbent score against what had been spent, with an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.cost_axes import Axis, Score, costs, rate, spent
from harness.analysis.means_and_t_intervals import t_quantile
from harness.analysis.random_search_permutations import averaged
from harness.analysis.results_reading import SearchResult
from harness.analysis.search_groups import Group, Row
from harness.analysis.statistics import interval_estimates
from harness.prices import Prices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_POINTS = 64
"""A curve with more steps than this is drawn at so many of them, evenly chosen, the first and the last included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One search's step function: from ``cost[i]`` on its incumbent scores ``score[i]``; it ends at ``spent``."""

    tuner: str
    training_seed: int
    cost: tuple[float, ...]
    score: tuple[float, ...]
    spent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The mean step function of one tuner's searches.

    ``cost``, ``mean``, ``low``, ``high`` and ``running`` are equally long; from ``cost[i]`` until the next ``mean[i]``
    is the mean over ``n`` training seeds, of which each counts by the mean of its searches. There are ``searches`` in
    all. The curve begins where the last of them has its first incumbent, because a
    mean over a changing set of searches would jump for that reason alone, and ends where the last of them ends. A
    search that ended earlier goes on with its last value; ``running[i]`` says how many had not ended. ``low`` and
    ``high`` bound a pointwise 95 % t interval over seeds, cut off at 0 and 1, None with one search.

    ``left_out`` counts the planned searches that are not in the mean: failed, missing, without a score, or with an
    unknown cost or score.
    """

    tuner: str
    axis: Axis
    score: Score
    cost: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    running: tuple[int, ...]
    n: int
    searches: int
    left_out: int

    @property
    def remark(self) -> str | None:
        """What is to be said about the number of searches; None from ten on."""
        return interval_estimates.few(self.n)


def bands(group: Group, *, axis: Axis, score: Score, prices: Prices) -> list[Band]:
    """Return a curve for each tuner of the group, in its order; one without any usable search is empty."""
    return [band(row, axis=axis, score=score, prices=prices) for row in group.rows]


def lines(row: Row, *, axis: Axis, score: Score, prices: Prices) -> list[Line]:
    """Return the step function of each search that ran to its end with a score and a known cost."""
    found = [line(search, axis=axis, score=score, prices=prices) for search in row.ok]
    return [line for line in found if line is not None]


def line(search: SearchResult, *, axis: Axis, score: Score, prices: Prices) -> Line | None:
    """Return the search's step function; None where it has no incumbent, or a cost or score of one is unknown.

    That of a random search is the mean over all orders of its trials (``averaged``), where these can be told.
    """
    key = "line", axis, score, rate(search, axis=axis, prices=prices)
    return search.once(key, lambda: _drawn(search, axis=axis, score=score, prices=prices))


def _drawn(search: SearchResult, *, axis: Axis, score: Score, prices: Prices) -> Line | None:
    cost, total = costs(search, axis=axis, prices=prices), spent(search, axis=axis, prices=prices).value
    if not cost or total is None:
        return None
    over_orders = averaged(search, axis=axis, score=score, prices=prices)
    if over_orders is not None:
        return _line(search, *over_orders, spent=total)
    reached = tuple(found for step in search.curve if (found := score.of(step)) is not None)
    if len(reached) != len(cost):
        return None
    return _line(search, cost, reached, spent=total)


def _line(search: SearchResult, cost: tuple[float, ...], score: tuple[float, ...], *, spent: float) -> Line:
    ends = max(spent, cost[-1])
    return Line(tuner=search.planned.tuner, training_seed=search.training_seed, cost=cost, score=score, spent=ends)


def band(row: Row, *, axis: Axis, score: Score, prices: Prices, at: Sequence[float] | None = None) -> Band:
    """Return the mean curve of one tuner's searches, at its steps or at the costs ``at`` (in rising order).

    Of ``at``, costs at which some search has no incumbent yet are left out.
    """
    return band_of(lines(row, axis=axis, score=score, prices=prices), row, axis=axis, score=score, at=at)


def band_of(used: list[Line], row: Row, *, axis: Axis, score: Score, at: Sequence[float] | None = None) -> Band:
    """Return the mean curve as ``band`` does, of these ``lines`` of the row."""
    points = _points(used) if at is None else _from_first(used, at)
    values = _values(used, points)
    low, high = _interval(values)
    return Band(
        tuner=row.tuner,
        axis=axis,
        score=score,
        cost=points,
        mean=tuple(values.mean(axis=0).tolist()) if used else (),
        low=low,
        high=high,
        running=tuple(sum(1 for line in used if line.spent >= point) for point in points),
        n=len(values),
        searches=len(used),
        left_out=len(row.searches) - len(used),
    )


def _points(used: list[Line]) -> tuple[float, ...]:
    if not used:
        return ()
    begin, end = max(line.cost[0] for line in used), max(line.spent for line in used)
    union = sorted({begin, end} | {cost for line in used for cost in line.cost if begin <= cost})
    if len(union) <= MOST_POINTS:
        return tuple(union)
    return tuple(union[round(index * (len(union) - 1) / (MOST_POINTS - 1))] for index in range(MOST_POINTS))


def _from_first(used: list[Line], at: Sequence[float]) -> tuple[float, ...]:
    begin = max((line.cost[0] for line in used), default=math.inf)
    return tuple(cost for cost in at if cost >= begin)


def _values(used: list[Line], points: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the mean score of each training seed's searches at these costs, of shape (training seeds, costs)."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    rows: dict[int, list[NDArray[np.float64]]] = {}
    for line in used:
        at = np.searchsorted(line.cost, points, side="right") - 1
        rows.setdefault(line.training_seed, []).append(np.asarray(line.score)[at])
    return np.vstack([np.mean(each, axis=0) for each in rows.values()]) if rows else np.empty((0, 0))


def _interval(values: NDArray[np.float64]) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    n, points = values.shape
    if n <= 1:
        return (None,) * points, (None,) * points
    half = t_quantile(n - 1) * values.std(axis=0, ddof=1) / math.sqrt(n)
    mean = values.mean(axis=0)
    return tuple(np.maximum(mean - half, 0.0).tolist()), tuple(np.minimum(mean + half, 1.0).tolist())
