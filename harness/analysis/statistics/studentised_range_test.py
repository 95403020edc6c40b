"""Which of several tuners differ, when each seed is a block that all of them share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Sums in another order differ by less than this; no two scores that differ do.
_EQUAL = 1e-12


# No slots: the p-values are worked out when a table asks for them.
@dataclass(frozen=True, kw_only=True)
class Contrasts:
    """Columns (tuners) compared over rows (seeds) by one test for all pairs.

    ``order`` lists the columns from the largest mean to the smallest. ``distance`` holds, in that order, the
    studentised distance of each two. ``error`` is the pooled standard deviation of one score after column and row
    are taken out, with ``df`` degrees of freedom.
    """

    order: tuple[int, ...]
    means: tuple[float, ...]
    rows: int
    df: int
    error: float
    distance: NDArray[np.float64]

    def differ(self, alpha: float) -> frozenset[tuple[int, int]]:
        """Return the pairs (better column, worse column) that differ at ``alpha``, all pairs counted together."""
        count = len(self.order)
        found: set[tuple[int, int]] = set()
        for size in range(count, 1, -1):
            for first in range(count - size + 1):
                last = first + size - 1
                if _around(first, last, count) <= found and self._p(first, last) < alpha:
                    found.add((first, last))
        return frozenset((self.order[first], self.order[last]) for first, last in found)

    @cached_property
    def p(self) -> dict[tuple[int, int], float]:
        """The smallest ``alpha`` above which each pair of columns differs; both orders of a pair are keys."""
        count = len(self.order)
        found: dict[tuple[int, int], float] = {}
        placed: dict[tuple[int, int], float] = {}
        for size in range(count, 1, -1):
            for first in range(count - size + 1):
                last = first + size - 1
                around = (placed[each] for each in _around(first, last, count))
                placed[first, last] = max(self._p(first, last), *around, 0.0)
                pair = self.order[first], self.order[last]
                found[pair] = found[pair[::-1]] = placed[first, last]
        return found

    def _p(self, first: int, last: int) -> float:
        return _p(float(self.distance[first, last]), last - first + 1, len(self.order), self.df)

    def cliques(self, alpha: float) -> tuple[tuple[int, ...], ...]:
        """Return the longest runs of columns, best first, in which no two differ; a column alone is none."""
        differ, found = self.differ(alpha), list[tuple[int, int]]()
        for first in range(len(self.order)):
            last = first
            while last + 1 < len(self.order) and (self.order[first], self.order[last + 1]) not in differ:
                last += 1
            if last > first and (not found or last > found[-1][1]):
                found.append((first, last))
        return tuple(self.order[first : last + 1] for first, last in found)

    def smallest_effect(self, alpha: float, power: float = 0.8) -> float:
        """Return the difference of two means that this test would find with probability ``power``, about.

        The critical distance of all columns plus the t quantile of ``power``, in standard errors of a difference.
        """
        from scipy.special import stdtrit  # noqa: PLC0415 - slow to import, and most commands make no tables

        count = len(self.order)
        reach = _critical(count, self.df, alpha) / math.sqrt(2) + float(stdtrit(self.df, power))
        return reach * self.error * math.sqrt(2 / self.rows)


def contrasts(scores: Sequence[Sequence[float]]) -> Contrasts | None:
    """Compare columns over rows, a row for each seed; None with fewer than two of either.

    Randomised blocks: row and column means are taken out, and what is left is the error. Pairs are tested by the
    stepwise procedure of Ryan, Einot, Gabriel and Welsch on the studentised range (Welsch, JASA 72, 1977): first all
    columns, then ever shorter runs of the sorted means, so that a pair differs only if every run around it does. It
    keeps the chance of any false difference at ``alpha``, however many columns there are.

    The standard error of a difference is the larger of two: the pooled one, and that of the pair's own differences.
    The pooled one alone cries wolf where one tuner scatters more than the others; the pair's own has too few degrees
    of freedom to find anything.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or min(table.shape) < 2:  # noqa: PLR2004 - one tuner has none beside it, one seed no spread
        return None
    rows, columns = table.shape
    means = table.mean(axis=0)
    left = table - means - table.mean(axis=1, keepdims=True) + table.mean()
    df = (rows - 1) * (columns - 1)
    pooled = float((left**2).sum()) / df
    differences = table[:, :, None] - table[:, None, :]
    variance = np.maximum(2 * pooled, differences.var(axis=0, ddof=1)) / rows
    gaps = np.abs(means[:, None] - means[None, :])
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(gaps < _EQUAL, 0.0, gaps / np.sqrt(variance / 2))
    order = np.argsort(-means.round(12), kind="stable")
    return Contrasts(
        order=tuple(order.tolist()),
        means=tuple(means.tolist()),
        rows=rows,
        df=df,
        error=math.sqrt(pooled),
        distance=distance[np.ix_(order, order)],
    )


def _around(first: int, last: int, count: int) -> set[tuple[int, int]]:
    """Return the runs of one more column that hold this one; none where it holds all."""
    longer = {(first - 1, last), (first, last + 1)}
    return {(begin, end) for begin, end in longer if begin >= 0 and end < count}


@lru_cache(maxsize=16)
def _critical(columns: int, df: int, alpha: float) -> float:
    """Return the studentised range that all columns together must exceed."""
    from scipy import stats  # noqa: PLC0415 - slow to import, and most commands make no tables

    return float(stats.studentized_range.isf(alpha, columns, df))


@lru_cache(maxsize=4096)
def _p(distance: float, size: int, columns: int, df: int) -> float:
    """Return the ``alpha`` at which ``distance`` is just critical for a run of ``size`` of so many columns."""
    from scipy import stats  # noqa: PLC0415 - slow to import, and most commands make no tables

    if math.isinf(distance):
        return 0.0
    p = float(stats.studentized_range.sf(distance, size, df))
    return p if size >= columns - 1 else 1 - (1 - p) ** (columns / size)
