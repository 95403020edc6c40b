"""What it costs to reach the group's target, on any axis, and how that compares with random search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.cost_axes import Axis, costs, rate, spent
from harness.analysis.means_and_t_intervals import median
from harness.analysis.random_search_permutations import spent_until
from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group, Row
from harness.analysis.statistics import interval_estimates
from harness.analysis.statistics.interval_estimates import Estimate
from harness.analysis.target_score import Target
from harness.catalogue.tuners import RANDOM
from harness.prices import Prices


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

    @property
    def mostly(self) -> bool:
        """Whether more than half of the searches met the target: of others, a cost to reach it is mostly misses."""
        return 2 * self.reached > self.searches


def reaching(group: Group, row: Row, *, axis: Axis, prices: Prices) -> Reaching | None:
    """Return how the row's searches met the target, by validation score; None where the group has no target.

    The expected running time is ERT = (all costs spent until the target, or until the end of a search that missed it)
    / (searches that reached it) (Hansen et al., COCO, Optimization Methods and Software 36(1), 2021), with a jackknife
    interval over the training seeds. That of random search is taken over all orders of its trials (``spent_until``).
    """
    goal = group.target
    if goal is None:
        return None
    tries = _tries(row.searches, goal, axis=axis, prices=prices)
    seeds = _by_seed(tries)
    return Reaching(
        axis=axis,
        target=goal,
        median=None if seeds is None else median(each.cost for each in tries if each.cost is not None),
        expected=interval_estimates.jackknifed([] if seeds is None else list(seeds.values()), running_time),
        reached=sum(each.met for each in tries),
        searches=len(tries),
        unknown=sum(each.spent is None for each in tries),
    )


def speedup(group: Group, row: Row, *, axis: Axis, prices: Prices) -> Estimate | None:
    """Return how many times cheaper than random search the target was reached: the ratio of expected running times.

    Paired: both are taken over the training seeds that both have a record of, and the interval leaves out one of these
    at a time, with all searches of it.

    None for random search itself, without a target, without pairs, where a cost is unknown, and where half of the
    tuner's searches or more missed the target: what such a ratio says depends on a few lucky seeds. On every axis but
    epochs also where the machine was busy during one of the searches (``SearchResult.is_disturbed``).
    """
    goal = group.target
    if goal is None or row.is_random or (axis is not Axis.EPOCHS and is_disturbed(group, row)):
        return None
    tries = _tries(row.searches, goal, axis=axis, prices=prices)
    ours, theirs = _by_seed(tries), _by_seed(_tries(group.of(RANDOM), goal, axis=axis, prices=prices))
    if ours is None or theirs is None or 2 * sum(each.met for each in tries) <= len(tries):
        return None
    shared = [(ours[seed], theirs[seed]) for seed in ours if seed in theirs]
    return interval_estimates.jackknifed(shared, _ratio) if shared else None


def is_disturbed(group: Group, row: Row) -> bool:
    """Whether seconds of the row's searches, or of the random ones, are not to be trusted."""
    return row.is_disturbed or any(search.is_disturbed for search in group.of(RANDOM))


def cost_to_target(search: SearchResult, goal: Target, *, axis: Axis, prices: Prices) -> float | None:
    """Return what had been spent when the validation score first met ``goal``.

    Infinite for a miss and a failed search, None where the cost is unknown or the search is missing.
    """
    if search.status is Status.MISSING:
        return None
    if not is_reached(search, goal):
        return math.inf
    first = next(index for index, step in enumerate(search.curve) if step.val_score >= goal.at(search.training_seed))
    found = costs(search, axis=axis, prices=prices)
    return None if found is None else found[first]


def is_reached(search: SearchResult, goal: Target) -> bool:
    """Whether the search ran to its end and met the target on its way."""
    # Each incumbent scores more than the one before it, so that the last has reached whatever any of them has.
    return (
        search.status is Status.OK
        and search.val_score is not None
        and search.val_score >= goal.at(search.training_seed)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """What the searches of a training seed spent until they met the target, or ended without; and how many met it."""

    spent: float
    met: float


def running_time(tries: Sequence[Tries]) -> float:
    """Return the expected running time; infinite where none met the target."""
    met = math.fsum(each.met for each in tries)
    return math.fsum(each.spent for each in tries) / met if met > 0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One search: ``cost`` until it met the target, infinite where it missed, and what it ``spent`` until then.

    Both are None where they are unknown.
    """

    seed: int
    cost: float | None
    spent: float | None
    met: bool


def _ratio(pairs: Sequence[tuple[Tries, Tries]]) -> float:
    own, other = running_time([ours for ours, _ in pairs]), running_time([theirs for _, theirs in pairs])
    if own == other:
        return math.nan if math.isinf(own) else 1.0
    return other / own if own > 0 else math.inf


def _tries(searches: Sequence[SearchResult], goal: Target, *, axis: Axis, prices: Prices) -> list[_Try]:
    """Return how each search fared that isn't missing."""
    asked = [search for search in searches if search.status is not Status.MISSING]
    return [_try(search, goal, axis=axis, prices=prices) for search in asked]


def _try(search: SearchResult, goal: Target, *, axis: Axis, prices: Prices) -> _Try:
    key = "try", goal.at(search.training_seed), axis, rate(search, axis=axis, prices=prices)
    return search.once(key, lambda: _tried(search, goal, axis=axis, prices=prices))


def _tried(search: SearchResult, goal: Target, *, axis: Axis, prices: Prices) -> _Try:
    cost = cost_to_target(search, goal, axis=axis, prices=prices)
    until = cost if cost is None or math.isfinite(cost) else spent(search, axis=axis, prices=prices).value
    met = is_reached(search, goal)
    over_orders = spent_until(search, goal.at(search.training_seed), axis=axis, prices=prices) if met else None
    spends = until if over_orders is None else over_orders
    return _Try(seed=search.training_seed, cost=cost, spent=spends, met=met)


def _by_seed(tries: Sequence[_Try]) -> dict[int, Tries] | None:
    """Return the tries summed by training seed; None where a cost is unknown."""
    found: dict[int, Tries] = {}
    for each in tries:
        if each.spent is None:
            return None
        before = found.get(each.seed, Tries(spent=0.0, met=0))
        found[each.seed] = Tries(spent=before.spent + each.spent, met=before.met + each.met)
    return found
