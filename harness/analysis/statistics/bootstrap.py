"""Bootstrap intervals over seeds: the same values give the same interval on every machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness import seeds
from harness.analysis.intervals import t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 2000
"""How often values are drawn again; enough for the second decimal of an interval's end, which few seeds don't merit."""

FEW = 10
"""Below so many seeds, statistics say that they prove little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A statistic of ``n`` searches or pairs with its 95 % bootstrap interval.

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
    """Return the mean with its interval.

    The interval is the expanded percentile bootstrap (Hesterberg, "What Teachers Should Know About the Bootstrap", The
    American Statistician 69(4), 2015): quantiles of the resampled means at Φ(∓ √(n / (n - 1)) · t(0.975, n - 1)). Plain
    percentiles are too narrow for few seeds; BCa needs an acceleration that few seeds can't estimate, and is undefined
    where all are tied. Like every percentile interval it stays within the values' range, so an F1 stays in [0, 1].
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    value = math.fsum(values) / len(values) if values else None
    return estimate(value, lambda drawn: np.einsum("n,nb->b", np.asarray(values, dtype=float), drawn), n=len(values))


def estimate(
    value: float | None, of_resamples: Callable[[NDArray[np.float64]], Any], *, n: int, least: float = -math.inf
) -> Estimate:
    """Return ``value`` with the expanded percentile interval of ``of_resamples``.

    ``of_resamples`` takes ``weights(n)`` and returns one statistic for each resample. One in which the statistic is
    undefined (NaN) could be anything: it counts as ``least`` for the low end and as infinite for the high one.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    if n <= 1 or value is None:
        return Estimate(value=value, low=None, high=None, n=n)
    drawn = np.sort(np.asarray(of_resamples(weights(n)), dtype=float))  # undefined ones come last
    undefined = int(np.isnan(drawn).sum())
    first, last = ends(n)
    low = least if first < undefined else drawn[first - undefined]
    high = math.inf if last >= len(drawn) - undefined else drawn[last]
    # Summing in another order moves a mean by a last digit, and equal values should have an interval of no width.
    return Estimate(value=value, low=min(value, float(low)), high=max(value, float(high)), n=n)


def ends(n: int) -> tuple[int, int]:
    """Return where in ``RESAMPLES`` sorted statistics of ``n`` values the interval begins and ends."""
    low, high = tails(n)
    return math.floor(low * (RESAMPLES - 1)), math.ceil(high * (RESAMPLES - 1))


@lru_cache(maxsize=16)
def resamples(n: int) -> NDArray[np.intp]:
    """Return indices of shape (``RESAMPLES``, n): draws with replacement, the same at each call and for each row."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    drawn = np.random.default_rng(seeds.derive(n, "bootstrap")).integers(n, size=(RESAMPLES, n))
    drawn.flags.writeable = False
    return drawn


@lru_cache(maxsize=16)
def weights(n: int) -> NDArray[np.float64]:
    """Return how much of each resample's mean each value makes up, as an array of shape (n, ``RESAMPLES``)."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    flat = resamples(n) * RESAMPLES + np.arange(RESAMPLES)[:, None]
    return np.bincount(flat.ravel(), minlength=n * RESAMPLES).reshape(n, RESAMPLES) / n


@lru_cache(maxsize=256)
def tails(n: int) -> tuple[float, float]:
    """Return the two quantiles that bound the expanded percentile interval of ``n`` values (Hesterberg 2015)."""
    # What scipy.stats.norm.cdf calls, and takes a fifth of the time to import; most commands make no tables.
    from scipy.special import ndtr  # noqa: PLC0415 - see above

    low = float(ndtr(-math.sqrt(n / (n - 1)) * t_quantile(n - 1)))
    return low, 1 - low
