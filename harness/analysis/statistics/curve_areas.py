"""The area under the anytime curve: how good a tuner is at any moment, not only at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.cost_axes import Axis, Score, spent
from harness.analysis.means_and_t_intervals import median
from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group
from harness.analysis.statistics import interval_estimates
from harness.analysis.statistics.anytime_bands import Line, line
from harness.analysis.statistics.interval_estimates import Estimate
from harness.analysis.training_seeds import means
from harness.catalogue.tuners import RANDOM, UNTUNED
from harness.prices import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What 0 and 1 mean within a group: scores from ``worst`` to ``best``, cost from nothing to ``cost``.

    ``worst_of`` says in words what ``worst`` is.
    """

    worst: float
    best: float
    cost: float
    worst_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The mean normalised area of one tuner's searches, 0 to 1; ``unknown`` searches are left out of it."""

    tuner: str
    axis: Axis
    score: Score
    area: Estimate
    unknown: int


def areas(group: Group, *, axis: Axis, score: Score, prices: Prices) -> list[Area]:
    """Return the area of each tuner of the group, in its order; without a frame none has one.

    A failed search, and one without any score, has the area 0; a missing one, or one with an unknown cost or score, is
    left out and counted.
    """
    bounds = frame(group, axis=axis, score=score, prices=prices)
    found = []
    for row in group.rows:
        values = [(search, of(search, bounds, axis=axis, score=score, prices=prices)) for search in row.searches]
        unknown = sum(1 for _, value in values if value is None)
        area = interval_estimates.mean(means(values))
        found.append(Area(tuner=row.tuner, axis=axis, score=score, area=area, unknown=unknown))
    return found


def frame(group: Group, *, axis: Axis, score: Score, prices: Prices) -> Frame | None:
    """Return the bounds that areas of the group are normalised by; None where all its searches are tied or unknown.

    ``worst`` is the median final score of the default configuration, what one has without tuning; without such searches
    it is the least final score. ``best`` is the greatest final score of any search. ``cost`` is the median that a
    random search has spent, so that one slow tuner doesn't stretch the frame until only final values count; without
    random searches it is the most that any search has spent.
    """
    ended = [(search, found) for search in group.searches if (found := _final(search, score)) is not None]
    untuned = median(found for search, found in ended if search.tuner == UNTUNED)
    cost = _cost([search for search, _ in ended], axis=axis, prices=prices)
    if cost is None or cost <= 0:
        return None
    worst = min(found for _, found in ended) if untuned is None else untuned
    best = max(found for _, found in ended)
    if best <= worst:
        return None
    named = "the worst final score" if untuned is None else "the median of the untuned default"
    return Frame(worst=worst, best=best, cost=cost, worst_of=named)


def under(curve: Line, bounds: Frame) -> float:
    """Return the share of the frame that lies under the curve: linear in cost and score, clipped to the frame.

    Before the first incumbent the height is 0; a search that ended early goes on with its last value. Cost is linear
    because on a logarithm the area depends on where one begins to look.
    """
    ends = [*curve.cost[1:], math.inf]
    lasted = [max(0.0, min(end, bounds.cost) - begin) for begin, end in zip(curve.cost, ends, strict=True)]
    height = [min(1.0, max(0.0, (score - bounds.worst) / (bounds.best - bounds.worst))) for score in curve.score]
    return sum(width * high for width, high in zip(lasted, height, strict=True)) / bounds.cost


def of(search: SearchResult, bounds: Frame | None, *, axis: Axis, score: Score, prices: Prices) -> float | None:
    """Return the area of one search within ``bounds``; 0 where it failed or has no score, None where it is unknown."""
    if bounds is None or search.status is Status.MISSING:
        return None
    if search.status is Status.FAILED or search.incumbent is None:
        return 0.0
    curve = line(search, axis=axis, score=score, prices=prices)
    return None if curve is None else under(curve, bounds)


def _final(search: SearchResult, score: Score) -> float | None:
    if search.status is not Status.OK or search.incumbent is None:
        return None
    return score.of(search.incumbent)


def _cost(ended: Sequence[SearchResult], *, axis: Axis, prices: Prices) -> float | None:
    totals = [(search.tuner, spent(search, axis=axis, prices=prices).value) for search in ended]
    random = median(total for kind, total in totals if kind in RANDOM and total is not None)
    return max((total for _, total in totals if total is not None), default=None) if random is None else random
