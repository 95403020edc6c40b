"""What it costs to reach the group's target, on any axis, and how that compares with random search."""

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
from harness.analysis.targets import RANDOM, Target
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
    interval over the seeds.
    """
    goal = group.target
    if goal is None:
        return None
    asked = [search for search in row.searches if search.status is not Status.MISSING]
    to_target = [cost_to_target(search, goal, axis=axis, prices=prices) for search in asked]
    tries = _tries(asked, goal, axis=axis, prices=prices)
    return Reaching(
        axis=axis,
        target=goal,
        median=None if tries is None else median(cost for cost in to_target if cost is not None),
        expected=_expected([] if tries is None else list(tries.values())),
        reached=sum(1 for search in asked if is_reached(search, goal)),
        searches=len(asked),
        unknown=sum(1 for search in asked if _until(search, goal, axis=axis, prices=prices) is None),
    )


def speedup(group: Group, row: Row, *, axis: Axis, prices: Prices) -> Estimate | None:
    """Return how many times cheaper than random search the target was reached: the ratio of expected running times.

    Paired: both are taken over the seeds that both have a record of, and its bootstrap draws seeds, each with all
    searches of it, of which there may be several random ones. Not a ratio of medians, because the target is the median
    of the random searches: in about every second resample half of them or more miss it, and the ratio is infinite.

    Infinite where only the tuner reached the target, 0 where only random search did, undefined where neither did. None
    for random search itself, without a target, without pairs, or where a cost is unknown.
    """
    goal = group.target
    if goal is None or row.is_random:
        return None
    random = [search for search in group.searches if search.tuner in RANDOM]
    ours, theirs = (_tries(searches, goal, axis=axis, prices=prices) for searches in (row.searches, random))
    if ours is None or theirs is None:
        return None
    shared = [seed for seed in ours if seed in theirs]
    return _ratio([ours[seed] for seed in shared], [theirs[seed] for seed in shared]) if shared else None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tries:
    """What the searches of one seed spent until they met the target, or until they ended; and how many met it."""

    spent: float
    met: int


def _tries(searches: Sequence[Search], goal: Target, *, axis: Axis, prices: Prices) -> dict[int, _Tries] | None:
    """Return the tries by seed, without missing searches; None where a cost is unknown."""
    found: dict[int, _Tries] = {}
    for search in searches:
        if search.status is Status.MISSING:
            continue
        cost = _until(search, goal, axis=axis, prices=prices)
        if cost is None:
            return None
        before = found.get(search.planned.seed, _Tries(spent=0.0, met=0))
        met = before.met + is_reached(search, goal)
        found[search.planned.seed] = _Tries(spent=before.spent + cost, met=met)
    return found


def _until(search: Search, goal: Target, *, axis: Axis, prices: Prices) -> float | None:
    cost = cost_to_target(search, goal, axis=axis, prices=prices)
    return cost if cost is None or math.isfinite(cost) else spent(search, axis=axis, prices=prices).value


def _expected(tries: Sequence[_Tries]) -> Estimate:
    if not tries:
        return Estimate(value=None, low=None, high=None, n=0)
    value = float(_running_time(tries, _once(tries))[0])
    return bootstrap.estimate(value, lambda weights: _running_time(tries, weights), n=len(tries))


def _running_time(tries: Sequence[_Tries], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected running time for each column of ``weights`` (seeds × resamples); infinite without a hit."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    # Not matrix products, whose sums may differ between machines.
    spent, met = np.einsum("kn,nb->kb", np.asarray([(each.spent, each.met) for each in tries], dtype=float).T, weights)
    return np.where(met > 0, spent / np.where(met > 0, met, 1), np.inf)


def _ratio(ours: Sequence[_Tries], theirs: Sequence[_Tries]) -> Estimate:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    def ratio(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        own, other = _running_time(ours, weights), _running_time(theirs, weights)
        with np.errstate(divide="ignore", invalid="ignore"):  # infinite over infinite is undefined, as promised
            return np.where(own == other, np.where(np.isinf(own), np.nan, 1.0), other / own)

    value = float(ratio(_once(ours))[0])
    return bootstrap.estimate(None if math.isnan(value) else value, ratio, n=len(ours), least=0.0)


def _once(tries: Sequence[_Tries]) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    return np.ones((len(tries), 1))
