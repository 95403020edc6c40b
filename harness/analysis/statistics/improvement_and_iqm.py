"""The probability of improvement and the interquartile mean.

Agarwal, Schwarzer, Castro, Courville and Bellemare, "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021, sections 4.2 and 4.3; their tasks are groups here, their runs seeds.
Both are of single searches. Those of one training seed are no independent runs: they are drawn again together.
"""

from __future__ import annotations

import bisect
import itertools
import math
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
"""How often training seeds are drawn again within each group, for the interval of an interquartile mean."""


def improvement(groups: Sequence[Seeds], tuner: str, other: str | None) -> float | None:
    """Return the probability that a search of ``tuner`` scores higher than one of ``other``, a tie counting half.

    Over all pairs of searches within a group, averaged over the groups. None without such pairs.
    """
    if other is None or tuner == other:
        return None
    both = [(_searches(each, tuner), sorted(_searches(each, other))) for each in groups]
    found = [_share_above(ours, theirs) for ours, theirs in both if ours and theirs]
    return statistics.fmean(found) if found else None


def interquartile_mean(groups: Sequence[Sequence[Sequence[float]]]) -> Estimate:
    """Return the mean of the middle half of all searches, with a 95 % percentile interval of a stratified bootstrap.

    ``groups`` hold the searches' values by training seed. Training seeds are drawn again within each group, each with
    all its searches. Undefined without values; without an interval where a group has fewer than two training seeds.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    values = [_padded(group) for group in groups if len(group)]
    n = min((len(group) for group in values), default=0)
    if not values:
        return Estimate(value=None, low=None, high=None, n=0)
    value = float(_middle(np.concatenate([group.ravel() for group in values])[None, :])[0])
    if n < 2:  # noqa: PLR2004 - one value says nothing about its own spread
        return Estimate(value=value, low=None, high=None, n=n)
    drawn = [group[_drawn(len(group), place)].reshape(RESAMPLES, -1) for place, group in enumerate(values)]
    low, high = np.quantile(_middle(np.hstack(drawn)), (0.025, 0.975))
    return Estimate(value=value, low=min(value, float(low)), high=max(value, float(high)), n=n)


def _searches(values: Seeds, tuner: str) -> list[float]:
    return list(itertools.chain(*complete_blocks.searches(values, tuner)))


def _share_above(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the share of pairs in which ours is above theirs, which rise; equals count half."""
    twice = sum(bisect.bisect_left(theirs, value) + bisect.bisect_right(theirs, value) for value in ours)
    return twice / (2 * len(ours) * len(theirs))


def _padded(rows: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return rows of one length, the shorter ones filled up with NaN."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    return np.array(list(zip(*itertools.zip_longest(*rows, fillvalue=math.nan), strict=True)))


def _middle(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each row without its lowest and highest quarter (``scipy.stats.trim_mean`` of 0.25).

    NaN is no value. Where searches are missing, rows have different numbers of values.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    ordered, counts = np.sort(rows, axis=1), (~np.isnan(rows)).sum(axis=1)
    means = np.empty(len(rows))
    for count in np.unique(counts):
        alike = counts == count
        means[alike] = ordered[alike][:, count // 4 : count - count // 4].mean(axis=1)
    return means


@lru_cache(maxsize=64)
def _drawn(n: int, place: int) -> NDArray[np.intp]:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    return np.random.default_rng(seeds.derive(n, "strata", place)).integers(n, size=(RESAMPLES, n))
