"""How likely chance makes such changes: a sign-flip test over seeds, corrected over many comparisons at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.seeds import derive

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Array = NDArray[Any]

_MOST_EXHAUSTIVE = 12
_TOLERANCE = 1e-9


def smallest_p(seeds: int) -> float:
    """Return the smallest p that so many seeds can show."""
    return float(1 / 2 ** min(seeds, _MOST_EXHAUSTIVE))


def flip(changes: Sequence[Mapping[int, float]], families: Sequence[Hashable]) -> list[float]:
    """Return the adjusted p of each comparison's being above zero, from its change for every seed.

    If baseline and candidate are samples of the same thing, exchanging them within a seed changes nothing, so every
    pattern of exchanged seeds, kept the same in all comparisons, is as likely as the one seen. The adjusted p of a
    comparison is the share of patterns whose largest statistic, over all comparisons, is at least its own
    (single-step maxT, Westfall and Young 1993, Resampling-Based Multiple Testing, chapter 2). That keeps the chance
    of any false alarm at most at the level, however the comparisons depend on each other. Up to twelve seeds all
    patterns are taken, above that 4,095 random ones and the one seen.

    The statistic is mean / (s / √n + s₀) with s₀ the median of √(Σ d² / n) / √n over the comparisons of one family
    (after SAM, Tusher, Tibshirani and Chu 2001, doi 10.1073/pnas.091062498): ten seeds say little about their own
    spread, and the comparisons of a family share theirs.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and few commands compare

    if not changes:
        return []
    seeds = sorted({seed for change in changes for seed in change})
    values = np.array([[change.get(seed, 0.0) for change in changes] for seed in seeds])
    counts = np.array([max(len(change), 1) for change in changes])
    statistics = _statistics(_patterns(len(seeds)) @ values / counts, values, counts, families)
    # Of equal statistics rounding makes unequal ones.
    largest = np.sort(statistics.max(axis=1) + _TOLERANCE)
    below = np.searchsorted(largest, statistics[0], side="left")
    return [float(p) for p in 1 - below / len(largest)]


def _statistics(means: Array, values: Array, counts: Array, families: Sequence[Hashable]) -> Array:
    import numpy as np  # noqa: PLC0415 - see above

    shared = _shared_error(values, counts, families)
    squares = (values**2).sum(axis=0)
    variance = np.maximum(squares - counts * means**2, 0.0) / np.maximum(counts - 1, 1)
    error = np.sqrt(variance / counts) + shared
    statistics: Array = np.divide(means, error, out=np.zeros_like(means), where=error > 0)
    return statistics


def _shared_error(values: Array, counts: Array, families: Sequence[Hashable]) -> Array:
    import numpy as np  # noqa: PLC0415 - see above

    errors = np.sqrt((values**2).sum(axis=0)) / counts
    members: dict[Hashable, list[int]] = {}
    for index, family in enumerate(families):
        members.setdefault(family, []).append(index)
    medians = {family: float(np.median(errors[indices])) for family, indices in members.items()}
    return np.array([medians[family] for family in families])


def _patterns(seeds: int) -> Array:
    """Return patterns of signs, a row each, the unchanged one first."""
    import numpy as np  # noqa: PLC0415 - see above

    if seeds <= _MOST_EXHAUSTIVE:
        bits = np.arange(2**seeds)[:, None] >> np.arange(seeds) & 1
    else:
        bits = np.random.default_rng(derive(seeds, "sign flips")).integers(0, 2, (2**_MOST_EXHAUSTIVE, seeds))
        bits[0] = 0
    signs: Array = 1.0 - 2.0 * bits
    return signs
