"""Estimates over seeds with their intervals: by Student's t, so that few seeds get the width that they deserve."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.analysis.means_and_t_intervals import interval, t_quantile

FEW = 10
"""Below so many seeds, statistics say that they prove little."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A statistic of ``n`` searches or pairs with its 95 % interval.

    ``value`` is None where it is undefined. ``low`` and ``high`` are None with fewer than two: one value says nothing
    about its own spread. All three may be infinite, where they are costs of something that was never reached.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def remark(self) -> str | None:
        """What is to be said about the number of values, in words; None from ten on."""
        return few(self.n)


def few(n: int, noun: str = "seed") -> str | None:
    """Return what so few values mean for a reader; None from ten on."""
    if n == 0:
        return f"no {noun}"
    if n == 1:
        return f"1 {noun}: no interval"
    return f"{n} {noun}s: fewer than {FEW} prove little" if n < FEW else None


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean with Student's t interval (``means_and_t_intervals.interval``).

    Not a bootstrap: of three values it draws none that lies outside them, and its interval misses the truth in a
    quarter of all cases.
    """
    found = interval(values)
    return Estimate(value=found.mean, low=found.low, high=found.high, n=found.n)


def jackknifed(items: Sequence[_Item], statistic: Callable[[Sequence[_Item]], float]) -> Estimate:
    """Return a positive ``statistic`` of ``items`` with a t interval around its logarithm.

    The standard error is the jackknife's (Miller, "The jackknife - a review", Biometrika 61(1), 1974), its t has n - 1
    degrees of freedom. A statistic that is infinite, 0 or undefined (NaN) without one of the items could be anything:
    the interval then goes from 0 to infinity. Undefined of all items, it is None.
    """
    n = len(items)
    value = statistic(items) if items else math.nan
    if math.isnan(value):
        return Estimate(value=None, low=None, high=None, n=n)
    if n == 1:
        return Estimate(value=value, low=None, high=None, n=n)
    without = [statistic([*items[:index], *items[index + 1 :]]) for index in range(n)]
    if not all(0 < each < math.inf for each in (value, *without)):
        return Estimate(value=value, low=0.0, high=math.inf, n=n)
    logs = [math.log(each) for each in without]
    centre = math.fsum(logs) / n
    error = math.sqrt((n - 1) / n * math.fsum((each - centre) ** 2 for each in logs))
    factor = math.exp(min(t_quantile(n - 1) * error, _LARGEST_LOG))
    return Estimate(value=value, low=value / factor, high=value * factor, n=n)


# Beyond it an interval on the logarithm says nothing, and its ends overflow.
_LARGEST_LOG = 300.0
