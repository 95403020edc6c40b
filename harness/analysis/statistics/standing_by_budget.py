"""How tuners stand once each search has spent so much: the gain over random search by then, and who may be best.

What stands here is no claim. Verdicts are of whole searches alone (``verdicts``); a reader who has less to spend sees
what the searches had in hand by then.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.analysis.cost_axes import Axis, Score, spent
from harness.analysis.means_and_t_intervals import mean
from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group
from harness.analysis.statistics import complete_blocks, interval_estimates
from harness.analysis.statistics.anytime_bands import line
from harness.analysis.statistics.complete_blocks import NO_MODEL, Seeds
from harness.analysis.statistics.interval_estimates import Estimate
from harness.prices import Prices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 4_000
"""Probabilities are shares of so many draws: known to a percentage point."""

MOST_BUDGETS = 20
"""At no more budgets than these tuners are compared."""

_SEED = 7
_FINE, _COARSE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0)
_TIMED = (Axis.WALL_S, Axis.DEVICE_S, Axis.COST_USD)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByThen:
    """One tuner at one budget, over seeds on which every tuner is known.

    ``gain`` is the mean test score in hand minus random search's on the same seeds; None of random search itself, and
    where one of the two has ``no_model`` on some seed yet. ``best`` is the probability that its expected test score is
    the highest of all (``best_of``). ``spent`` is the mean cost by then, None where unknown.
    """

    tuner: str
    gain: Estimate | None
    best: float | None
    spent: float | None
    no_model: bool


def budgets(groups: Sequence[Group], *, axis: Axis, prices: Prices) -> tuple[float, ...]:
    """Return round costs from the first model of any search to the most that a search spends; none where unknown."""
    found = [
        drawn
        for group in groups
        for search in group.searches
        if search.status is Status.OK and (drawn := line(search, axis=axis, score=Score.TEST, prices=prices))
    ]
    low, high = min((each.cost[0] for each in found), default=0.0), max((each.spent for each in found), default=0.0)
    if not 0 < low < high:
        return ()
    fine = _round_numbers(low, high, _FINE, is_whole=axis is Axis.EPOCHS)
    return fine if len(fine) <= MOST_BUDGETS else _round_numbers(low, high, _COARSE, is_whole=axis is Axis.EPOCHS)


def by_then(
    groups: Sequence[Group], *, axis: Axis, budget: float, yardstick: str | None, prices: Prices
) -> list[ByThen]:
    """Return how each tuner that all ``groups`` share stands once every search has spent ``budget`` on ``axis``.

    Without an end (``math.inf``) searches are whole, and stand as verdicts see them. Seeds on which the machine was
    busy are left out where seconds are counted. Empty where no seed is complete.
    """

    def value(_group: Group, search: SearchResult) -> float | None:
        return _in_hand(search, axis, budget, prices)

    seeds = complete_blocks.over_seeds(groups, value)
    early = {
        search.planned.tuner
        for group in groups
        for search in group.searches
        if math.isfinite(budget) and search.status is Status.OK and value(group, search) == NO_MODEL
    }
    failed = {name for name in seeds.tuners if any(NO_MODEL in each for each in complete_blocks.searches(seeds, name))}
    chances = best_of(seeds, without=early | failed)
    return [
        ByThen(
            tuner=name,
            gain=None if {name, yardstick} & early else _gain(seeds, name, yardstick),
            best=chances.get(name),
            spent=_spent(groups, name, axis, budget, prices),
            no_model=name in early,
        )
        for name in (seeds.tuners if seeds.seeds else ())
    ]


def best_of(seeds: Seeds, *, without: frozenset[str] | set[str] = frozenset()) -> dict[str, float]:
    """Return for each tuner, but those ``without``, the probability that its expected value is the highest of these.

    Values are taken as a seed's share plus a tuner's share plus normal scatter, nothing being known of any before
    (Box and Tiao, Bayesian Inference in Statistical Analysis, 1973, 2.11). A tuner scatters as all do together, or as
    it does itself, whichever is more: of few seeds that promises less than the share of bootstrap samples does
    (``benchmarks/verdict/best_by_then.py``). Nothing for fewer than two tuners or two seeds.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    names = [name for name in seeds.tuners if name not in without]
    if len(names) < 2 or len(seeds.seeds) < 2:  # noqa: PLR2004 - two make a comparison, and a scatter
        return {}
    values = np.array([complete_blocks.column(seeds, name) for name in names]).T
    means = values.mean(axis=0) + _errors(values)
    tops = means == means.max(axis=1, keepdims=True)
    shares = (tops / tops.sum(axis=1, keepdims=True)).mean(axis=0)
    return dict(zip(names, shares.tolist(), strict=True))


def _errors(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much each tuner's mean may be off, in ``DRAWS`` draws of all tuners together."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    n, k = values.shape
    left = values - values.mean(axis=1, keepdims=True)
    squares = (left - left.mean(axis=0)) ** 2
    own, pooled = squares.sum(axis=0) / (n - 1) * k / (k - 1), squares.sum() / ((n - 1) * (k - 1))
    normal, of_all, of_each = _draws(n, k)
    errors: NDArray[np.float64] = normal * np.sqrt(np.where(own > pooled, own * of_each, pooled * of_all) / n)
    return errors


@lru_cache(maxsize=32)
def _draws(n: int, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return standard normal draws, and factors of a variance as uncertain as all tuners or each one leaves it.

    The same for each budget, so that what differs between two budgets are the searches.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    chance = np.random.default_rng(_SEED)
    common = (n - 1) * (k - 1)
    return (
        chance.standard_normal((DRAWS, k)),
        common / chance.chisquare(common, (DRAWS, 1)),
        (n - 1) / chance.chisquare(n - 1, (DRAWS, k)),
    )


def _in_hand(search: SearchResult, axis: Axis, budget: float, prices: Prices) -> float | None:
    if not math.isfinite(budget) or search.status is not Status.OK or search.incumbent is None:
        return complete_blocks.score(search)
    drawn = line(search, axis=axis, score=Score.TEST, prices=prices)
    if drawn is None or (axis in _TIMED and search.is_disturbed):
        return None
    before = bisect_right(drawn.cost, budget)
    return drawn.score[before - 1] if before else NO_MODEL


def _gain(seeds: Seeds, tuner: str, yardstick: str | None) -> Estimate | None:
    if tuner == yardstick or yardstick not in seeds.tuners:
        return None
    pairs = zip(complete_blocks.column(seeds, tuner), complete_blocks.column(seeds, yardstick), strict=True)
    return interval_estimates.mean([ours - theirs for ours, theirs in pairs])


def _spent(groups: Sequence[Group], tuner: str, axis: Axis, budget: float, prices: Prices) -> float | None:
    totals = [
        spent(search, axis=axis, prices=prices).value
        for group in groups
        for search in group.named(tuner)
        if search.status is Status.OK
    ]
    return mean(None if total is None else min(total, budget) for total in totals)


def _round_numbers(low: float, high: float, steps: Sequence[float], *, is_whole: bool) -> tuple[float, ...]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = (float(f"{step * 10.0**power:.3g}") for power, step in itertools.product(powers, steps))
    return tuple(each for each in found if low <= each < high and (each.is_integer() or not is_whole))
