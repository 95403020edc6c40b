"""Groups of images shared out among parts, none of them divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Places = NDArray[np.int64]

# Few groups are tried in many orders, as there the order matters; a hundred thousand take seconds as it is.
_MOST_ORDERS = 100
_PLACED_IN_ALL = 10_000
# Distances that rounding alone tells apart are equal, so that every machine decides alike.
_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """The part of each group, (G,), and how many images of each class each part then has, (parts, classes)."""

    places: Places
    held: Counts


def share_out(counts: Counts, weights: Sequence[float], rng: np.random.Generator) -> Placed:
    """Put every group into one part, so that the classes come as near to their shares as whole groups allow.

    In a random order each group goes where it brings its classes nearest to their shares: to the part for which the
    sum of squared distances from these, each relative to the size of its class, becomes least, the earliest of equals;
    but where a class has no more groups left than there are parts that lack it, to one of those. Of several orders the
    one is kept that leaves the fewest parts without a class, and of these the one that ends nearest to the shares.

    Args:
        counts: How many images of each class each group has, (G, classes).
        weights: Shares of the parts, in proportion.
        rng: Same state, same result.
    """
    totals = np.maximum(counts.sum(axis=0), 1)
    wanted = np.outer(np.array(weights) / sum(weights), totals)
    orders = min(_MOST_ORDERS, max(1, _PLACED_IN_ALL // max(1, len(counts))))
    tries = [_placed(counts, wanted, totals, rng.permutation(len(counts))) for _ in range(orders)]
    return min(tries, key=lambda found: (np.sum(found.held == 0), round(_strain(found.held, wanted, totals), _DIGITS)))


def _placed(counts: Counts, wanted: NDArray[np.float64], totals: Counts, order: Places) -> Placed:
    held = np.zeros(wanted.shape, dtype=np.int64)
    places = np.empty(len(counts), dtype=np.int64)
    left = (counts > 0).sum(axis=0)
    for group in order:
        own = np.flatnonzero(counts[group])
        more = counts[group, own]
        lacks = held[:, own] == 0
        is_short = left[own] <= lacks.sum(axis=0)
        misses = (is_short & ~lacks).sum(axis=1)
        strain = ((2 * (held[:, own] - wanted[:, own]) + more) * more / totals[own] ** 2).sum(axis=1)
        places[group] = np.lexsort((strain.round(_DIGITS), misses))[0]
        held[places[group], own] += more
        left[own] -= 1
    return Placed(places=places, held=held)


def _strain(held: Counts, wanted: NDArray[np.float64], totals: Counts) -> float:
    return float((((held - wanted) / totals) ** 2).sum())
