"""What it costs to reach the group's target, on any axis; misses are infinite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.axes import Axis, costs, spent
from harness.analysis.groups import Group, Row
from harness.analysis.intervals import median
from harness.analysis.reading import Search, Status
from harness.analysis.statistics import bootstrap
from harness.analysis.statistics.bootstrap import Estimate
from harness.analysis.targets import Target
from harness.prices import Prices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaching:
    """How one tuner's searches met the group's target.

    ``median`` is the median cost with misses infinite. ``expected`` is the expected running time: what one has to
    spend, restarting after each miss, until a search succeeds; infinite where none does. Both are None where a cost is
    unknown (that of ``unknown`` searches) or no search was asked. ``reached`` of ``searches`` met it: failed searches
    missed it, missing ones were not asked.
    """

    axis: Axis
    target: Target
    median: float | None
    expected: Estimate
    reached: int
    searches: int
    unknown: int


def reaching(group: Group, row: Row, *, axis: Axis, prices: Prices) -> Reaching | None:
    """Return how the row's searches met the target, by validation F1; None where the group has no target.

    The expected running time is ERT = (all costs spent until the target, or until the end of a search that missed it)
    / (searches that reached it) (Hansen et al., COCO, Optimization Methods and Software 36(1), 2021), with a bootstrap
    interval over the searches.
    """
    goal = group.target
    if goal is None:
        return None
    asked = [search for search in row.searches if search.status is not Status.MISSING]
    to_target = [cost_to_target(search, goal, axis=axis, prices=prices) for search in asked]
    until = [_until(search, cost, axis=axis, prices=prices) for search, cost in zip(asked, to_target, strict=True)]
    known = [cost for cost in to_target if cost is not None]
    complete = bool(known) and len(known) == len(asked) and None not in until
    return Reaching(
        axis=axis,
        target=goal,
        median=median(known) if complete else None,
        expected=_expected([cost for cost in until if cost is not None] if complete else [], known),
        reached=sum(1 for search in asked if is_reached(search, goal)),
        searches=len(asked),
        unknown=sum(1 for cost in until if cost is None),
    )


def cost_to_target(search: Search, goal: Target, *, axis: Axis, prices: Prices) -> float | None:
    """Return what had been spent when the validation F1 first met ``goal``.

    Infinite for a miss and a failed search, None where the cost is unknown or the search is missing.
    """
    if search.status is Status.MISSING:
        return None
    if not is_reached(search, goal):
        return math.inf
    first = next(index for index, step in enumerate(search.curve) if step.val_f1 >= goal.f1)
    found = costs(search, axis=axis, prices=prices)
    return None if found is None else found[first]


def is_reached(search: Search, goal: Target) -> bool:
    """Whether the search ran to its end and met the target on its way."""
    # Each incumbent scores more than the one before it, so that the last has reached whatever any of them has.
    return search.status is Status.OK and search.val_f1 is not None and search.val_f1 >= goal.f1


def _until(search: Search, cost: float | None, *, axis: Axis, prices: Prices) -> float | None:
    return cost if cost is None or math.isfinite(cost) else spent(search, axis=axis, prices=prices).value


def _expected(until: Sequence[float], to_target: Sequence[float]) -> Estimate:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    n = len(until)
    if not n:
        return Estimate(value=None, low=None, high=None, n=0)
    spent_by, reached = np.asarray(until), np.isfinite(to_target).astype(float)

    def ratio(drawn: NDArray[np.intp]) -> NDArray[np.float64]:
        successes = reached[drawn].sum(axis=1)
        return np.where(successes > 0, spent_by[drawn].sum(axis=1) / np.maximum(successes, 1), np.inf)

    return bootstrap.estimate(float(ratio(np.arange(n)[None])[0]), ratio, n=n)
