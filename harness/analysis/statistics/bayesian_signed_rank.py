"""How probable it is that one tuner is better than another, practically as good, or worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness import seeds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 20_000
"""Enough for the second decimal of a probability."""

_PRIOR = 0.5
"""The weight, in seeds, of the prior belief that there is no difference (Benavoli et al. 2017, section 4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probabilities:
    """That the difference is above the region of practical equivalence, within it, or below it; they sum to 1."""

    better: float
    equivalent: float
    worse: float


def signed_rank(differences: Sequence[float], *, rope: float) -> Probabilities | None:
    """Return the posterior of the Bayesian signed-rank test; None with fewer than two differences.

    Benavoli, Corani, Demšar and Zaffalon, "Time for a change: a tutorial for comparing multiple classifiers through
    Bayesian analysis", JMLR 18(77), 2017, section 4.2: a Dirichlet process over the differences with half a
    pseudo-observation of no difference; each draw goes to whichever region holds most of the pairwise averages.
    ``rope`` is half the width of the region, in the differences' unit.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    if len(differences) < 2:  # noqa: PLR2004 - one value has no spread
        return None
    z = np.array([0.0, *differences])
    sums = z[:, None] + z[None, :]
    weights = _dirichlet(len(differences))
    above, below = (_weighted(_heaviside(side, 2 * rope), weights) for side in (sums, -sums))
    shares = np.stack([above, 1 - above - below, below])
    winners = np.bincount(shares.argmax(axis=0), minlength=3) / DRAWS
    better, equivalent, worse = winners.tolist()
    return Probabilities(better=better, equivalent=equivalent, worse=worse)


def _heaviside(values: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    return np.where(values > threshold, 1.0, np.where(values == threshold, 0.5, 0.0))


def _weighted(held: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    # One product and one sum over long rows: einsum, and sums over short ones, take several times as long.
    return np.asarray(((held @ weights) * weights).sum(axis=0))


@lru_cache(maxsize=16)
def _dirichlet(n: int) -> NDArray[np.float64]:
    """Return weights of shape (n + 1, ``DRAWS``), the same on every machine."""
    import numpy as np  # noqa: PLC0415 - slow to import, and most commands make no tables

    drawn = np.random.default_rng(seeds.derive(n, "signed rank"))
    return np.ascontiguousarray(drawn.dirichlet([_PRIOR, *[1.0] * n], DRAWS).T)
