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
    tries = _tries(row.searches, goal, axis=axis, prices=prices)
    seeds = _by_seed(tries)
    return Reaching(
        axis=axis,
        target=goal,
        median=None if seeds is None else median(cost for each in tries if (cost := each.cost) is not None),
        expected=_expected([] if seeds is None else list(seeds.values())),
        reached=sum(each.met for each in tries),
        searches=len(tries),
        unknown=sum(each.spent is None for each in tries),
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
    both = (row.searches, group.of(RANDOM))
    ours, theirs = (_by_seed(_tries(searches, goal, axis=axis, prices=prices)) for searches in both)
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
class _Try:
    """What one search spent until it met the target, or until it ended; None where that is unknown."""

    seed: int
    spent: float | None
    met: bool

    @property
    def cost(self) -> float | None:
        """The cost of reaching the target, as ``cost_to_target`` has it."""
        return self.spent if self.met else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seed:
    """What the searches of one seed spent until they met the target, or until they ended; and how many met it."""

    spent: float
    met: int


def _tries(searches: Sequence[Search], goal: Target, *, axis: Axis, prices: Prices) -> list[_Try]:
    """Return how each search fared that isn't missing."""
    return [
        _Try(
            seed=search.planned.seed,
            spent=_until(search, goal, axis=axis, prices=prices),
            met=is_reached(search, goal),
        )
        for search in searches
        if search.status is not Status.MISSING
    ]


def _by_seed(tries: Sequence[_Try]) -> dict[int, _Seed] | None:
    """Return the tries summed by seed; None where a cost is unknown."""
    found: dict[int, _Seed] = {}
    for each in tries:
        if each.spent is None:
            return None
        before = found.get(each.seed, _Seed(spent=0.0, met=0))
        found[each.seed] = _Seed(spent=before.spent + each.spent, met=before.met + each.met)
    return found


def _until(search: Search, goal: Target, *, axis: Axis, prices: Prices) -> float | None:
    cost = cost_to_target(search, goal, axis=axis, prices=prices)
    return cost if cost is None or math.isfinite(cost) else spent(search, axis=axis, prices=prices).value


def _expected(seeds: Sequence[_Seed]) -> Estimate:
    if not seeds:
        return Estimate(value=None, low=None, high=None, n=0)
    value = float(_running_time(seeds, _once(seeds))[0])
    return bootstrap.estimate(value, lambda weights: _running_time(seeds, weights), n=len(seeds))


def _running_time(seeds: Sequence[_Seed], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected running time for each column of ``weights`` (seeds × resamples); infinite without a hit."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    # Not matrix products, whose sums may differ between machines.
    spent, met = np.einsum("kn,nb->kb", np.asarray([(each.spent, each.met) for each in seeds], dtype=float).T, weights)
    return np.where(met > 0, spent / np.where(met > 0, met, 1), np.inf)


def _ratio(ours: Sequence[_Seed], theirs: Sequence[_Seed]) -> Estimate:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    def ratio(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        own, other = _running_time(ours, weights), _running_time(theirs, weights)
        with np.errstate(divide="ignore", invalid="ignore"):  # infinite over infinite is undefined, as promised
            return np.where(own == other, np.where(np.isinf(own), np.nan, 1.0), other / own)

    value = float(ratio(_once(ours))[0])
    return bootstrap.estimate(None if math.isnan(value) else value, ratio, n=len(ours), least=0.0)


def _once(seeds: Sequence[_Seed]) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    return np.ones((len(seeds), 1))
