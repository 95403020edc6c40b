"""The probability of improvement and the interquartile mean.

Agarwal, Schwarzer, Castro, Courville and Bellemare, "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021, sections 4.2 and 4.3; their tasks are groups here, their runs seeds.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from harness import seeds
from harness.analysis.statistics import complete_blocks
from harness.analysis.statistics.complete_blocks import Seeds
from harness.analysis.statistics.interval_estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 2000
"""How often seeds are drawn again within each group, for the interval of an interquartile mean."""


def improvement(groups: Sequence[Seeds], tuner: str, other: str | None) -> float | None:
    """Return the probability that a search of ``tuner`` scores higher than one of ``other``, a tie counting half.

    Over all pairs of seeds within a group, averaged over the groups. None without such pairs.
    """
    if other is None or tuner == other:
        return None
    found = []
    for each in groups:
        pairs = [
            (ours, theirs)
            for ours in complete_blocks.column(each, tuner)
            for theirs in complete_blocks.column(each, other)
        ]
        if pairs:
            found.append(statistics.fmean((ours > theirs) + 0.5 * (ours == theirs) for ours, theirs in pairs))
    return statistics.fmean(found) if found else None


def interquartile_mean(groups: Sequence[Sequence[float]]) -> Estimate:
    """Return the mean of the middle half of all values, with a 95 % percentile interval of a stratified bootstrap.

    Seeds are drawn again within each group. Undefined without values; without an interval where a group has fewer than
    two.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    values = [np.asarray(group, dtype=float) for group in groups if len(group)]
    n = min((len(group) for group in values), default=0)
    if not values:
        return Estimate(value=None, low=None, high=None, n=0)
    value = float(_middle(np.concatenate(values)[None, :])[0])
    if n < 2:  # noqa: PLR2004 - one value says nothing about its own spread
        return Estimate(value=value, low=None, high=None, n=n)
    drawn = np.hstack([group[_drawn(len(group), place)] for place, group in enumerate(values)])
    low, high = np.quantile(_middle(drawn), (0.025, 0.975))
    return Estimate(value=value, low=min(value, float(low)), high=max(value, float(high)), n=n)


def _middle(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each row without its lowest and highest quarter (``scipy.stats.trim_mean`` of 0.25)."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    cut = rows.shape[1] // 4
    return np.asarray(np.sort(rows, axis=1)[:, cut : rows.shape[1] - cut].mean(axis=1))


@lru_cache(maxsize=64)
def _drawn(n: int, place: int) -> NDArray[np.intp]:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    return np.random.default_rng(seeds.derive(n, "strata", place)).integers(n, size=(RESAMPLES, n))
