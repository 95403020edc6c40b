"""Searches by the seed of their trainings: what is independent of each other, and what is averaged before it counts.

Split, initial weights and batches follow from a training's seed. A search that trains has its own. Of searches that are
replayed on recorded curves many share a recorded one, and then share its luck: they are repetitions within that seed.
Their mean is one value, so that as many values are independent as there are training seeds.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import TypeVar

from harness.analysis.results_reading import SearchResult

_Found = TypeVar("_Found")


def by_training_seed(found: Iterable[tuple[SearchResult, _Found]]) -> dict[int, list[_Found]]:
    """Return what was found of each search, by its training seed, in the order in which these come first."""
    gathered: dict[int, list[_Found]] = {}
    for search, value in found:
        gathered.setdefault(search.training_seed, []).append(value)
    return gathered


def means(found: Iterable[tuple[SearchResult, float | None]]) -> list[float]:
    """Return one mean for each training seed over the values that are known; none for a seed without any."""
    known = ((search, value) for search, value in found if value is not None)
    return [statistics.fmean(values) for values in by_training_seed(known).values()]
