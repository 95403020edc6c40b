"""Test score, and the gain over no tuning, for each unit of what the searches cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.cost_axes import Axis, spent
from harness.analysis.means_and_t_intervals import mean
from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group, Row
from harness.analysis.training_seeds import by_training_seed
from harness.catalogue.tuners import UNTUNED
from harness.prices import Prices

_SECONDS_PER_HOUR = 3600
_JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePerUnit:
    """A mean over searches divided by the mean cost of the same searches, in each unit of cost.

    None where there is no search, where the cost of one of them is unknown, or where they cost nothing.
    """

    per_device_hour: float | None
    per_kwh: float | None
    per_usd: float | None


def score_rate(row: Row, *, prices: Prices) -> ValuePerUnit:
    """Return the mean test score of the finished searches that have one, for what these cost."""
    return _rate([(search, search.test_score) for search in row.ok if search.test_score is not None], prices)


def gain_rate(group: Group, row: Row, *, prices: Prices) -> ValuePerUnit:
    """Return the mean test score above that of the untuned default on the same seed, for what these searches cost.

    Empty for the default itself, and without a seed on which both have a test score. What the default cost is not
    taken off.
    """
    untuned = {} if row.is_untuned else _untuned(group)
    scored = [(search, search.test_score, untuned.get(search.training_seed)) for search in row.ok]
    pairs = [(search, score - base) for search, score, base in scored if score is not None and base is not None]
    return _rate(pairs, prices)


def _untuned(group: Group) -> dict[int, float]:
    ended = [(search, search.test_score) for search in group.of((UNTUNED,)) if search.status is Status.OK]
    by_seed = by_training_seed((search, score) for search, score in ended if score is not None)
    return {seed: statistics.fmean(scores) for seed, scores in by_seed.items()}


def _rate(found: Sequence[tuple[SearchResult, float]], prices: Prices) -> ValuePerUnit:
    value = mean(each for _, each in found)

    def per(axis: Axis, unit: float) -> float | None:
        cost = mean(spent(search, axis=axis, prices=prices).value for search, _ in found)
        return value * unit / cost if value is not None and cost else None

    return ValuePerUnit(
        per_device_hour=per(Axis.DEVICE_S, _SECONDS_PER_HOUR),
        per_kwh=per(Axis.ENERGY_J, _JOULES_PER_KWH),
        per_usd=per(Axis.COST_USD, 1.0),
    )
