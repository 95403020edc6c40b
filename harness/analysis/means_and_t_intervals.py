"""Means with their uncertainty, and medians that keep infinite misses."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean over ``n`` values with its 95 % interval.

    ``mean`` is None where there is no value; ``low`` and ``high`` are None where there are fewer than two, because one
    value says nothing about its own spread.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int


def interval(values: Sequence[float]) -> Interval:
    """Return the mean and Student's t interval, ``mean ± t(0.975, n - 1) · s / √n``, of independent values."""
    n = len(values)
    if n == 0:
        return Interval(mean=None, low=None, high=None, n=0)
    mean = statistics.fmean(values)
    if n == 1:
        return Interval(mean=mean, low=None, high=None, n=1)
    half = t_quantile(n - 1) * statistics.stdev(values) / math.sqrt(n)
    return Interval(mean=mean, low=mean - half, high=mean + half, n=n)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean; None where there is no value, or where one of them is unknown."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return statistics.fmean(known) if known and len(known) == len(listed) else None


def median(values: Iterable[float]) -> float | None:
    """Return the median, infinite values included; None where there is no value."""
    listed = list(values)
    return statistics.median(listed) if listed else None


@cache
def t_quantile(degrees_of_freedom: int) -> float:
    """Return half the width of a 95 % interval in standard errors, by Student's t."""
    # Most commands make no tables. This is what scipy.stats.t.ppf calls, and takes a fifth of the time to import.
    from scipy.special import stdtrit  # noqa: PLC0415 - see above

    return float(stdtrit(degrees_of_freedom, (1 + _CONFIDENCE) / 2))
