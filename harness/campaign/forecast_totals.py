"""What a whole matrix will take, with the interval that the spread of earlier searches allows."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis import means_and_t_intervals
from harness.campaign import forecast
from harness.campaign.forecast import Rate, Rates
from harness.cells import Cell

BETWEEN_RUNS = 0.25
"""The standard deviation of a run's pace, relative to its mean: see "Money first" in docs/design.md."""
# One less than the runs that it was measured on.
_DEGREES_BETWEEN = 4
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastInterval:
    """A sum over cells with its 95 % prediction interval, at least 0; without bounds where no spread is known."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What cells will take together, one after another; None where some of them are like nothing that was run."""

    wall_s: ForecastInterval | None
    device_s: ForecastInterval | None
    cost_usd: ForecastInterval | None


def total(cells: Sequence[Cell], rates: Rates, *, between_runs: float = BETWEEN_RUNS) -> Total:
    """Return the forecast of ``cells``: whole processes, start-up included, shared preparation left out.

    Dollars are for the whole wall clock, as a rented machine costs them; None where a machine has no price.
    """
    return Total(
        wall_s=_sum(cells, rates, forecast.wall_s, between_runs),
        device_s=_sum(cells, rates, forecast.device_s, between_runs),
        cost_usd=_sum(cells, rates, _usd, between_runs),
    )


def estimate(taken: Mapping[tuple[float, ...], int], *, between_runs: float = BETWEEN_RUNS) -> ForecastInterval:
    """Return the sum of so many cells of each kind, which took so many seconds, or cost so much, each time before.

    The sum's variance is ``count · s² + count² · s² / n`` for each kind: the draws' own spread, and that of the mean of
    the ``n`` earlier ones. To it comes ``(between_runs · mean)²``, as all cells of a run are slow or fast together.
    Degrees of freedom by Welch and Satterthwaite (Satterthwaite 1946, Biometrics Bulletin 2, 110). A kind that was seen
    once is taken to spread as much, relative to its mean, as the others do.
    """
    mean = sum(count * statistics.fmean(values) for values, count in taken.items())
    relative = _relative_variance(list(taken))
    if relative is None:
        return (
            ForecastInterval(mean=mean, low=None, high=None) if taken else ForecastInterval(mean=0.0, low=0.0, high=0.0)
        )
    variance = (between_runs * mean) ** 2
    squares = variance**2 / _DEGREES_BETWEEN
    for values, count in taken.items():
        n = len(values)
        spread = statistics.variance(values) if n > 1 else relative * statistics.fmean(values) ** 2
        part = count * spread + count**2 * spread / n
        variance += part
        squares += part**2 / max(n - 1, 1)
    if variance == 0.0:
        return ForecastInterval(mean=mean, low=mean, high=mean)
    half = means_and_t_intervals.t_quantile(max(1, math.floor(variance**2 / squares))) * math.sqrt(variance)
    return ForecastInterval(mean=mean, low=max(0.0, mean - half), high=mean + half)


def _usd(cell: Cell, rate: Rate) -> float | None:
    seconds = forecast.wall_s(cell, rate)
    if seconds is None or rate.usd_per_hour is None:
        return None
    return seconds / _SECONDS_PER_HOUR * rate.usd_per_hour


def _sum(
    cells: Sequence[Cell], rates: Rates, by: Callable[[Cell, Rate], float | None], between_runs: float
) -> ForecastInterval | None:
    kinds: Counter[tuple[float, ...]] = Counter()
    for cell in cells:
        values = [by(cell, rate) for rate in forecast.known(cell, rates)]
        known = tuple(value for value in values if value is not None)
        if not known or len(known) < len(values):
            return None
        kinds[known] += 1
    return estimate(kinds, between_runs=between_runs)


def _relative_variance(kinds: Sequence[Sequence[float]]) -> float | None:
    """Return the variance relative to the squared mean, pooled over the kinds that were seen more than once."""
    seen = [values for values in kinds if len(values) > 1 and statistics.fmean(values) > 0]
    degrees = sum(len(values) - 1 for values in seen)
    if not degrees:
        return None
    squares = [statistics.variance(values) / statistics.fmean(values) ** 2 * (len(values) - 1) for values in seen]
    return sum(squares) / degrees
