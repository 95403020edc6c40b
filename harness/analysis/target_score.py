"""The score to be reached within a group."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.analysis.cost_axes import Axis, Score
from harness.analysis.random_search_permutations import orders
from harness.analysis.results_reading import SearchResult, Status

# A mean of equal scores may be above them in its last bit; no two scores that differ are so close.
_EQUAL = 1e-12

PART = 0.5
"""The part of a random search's epochs after which what it has found is the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A validation score, and what it is, as ``what 3 random searches have on average after half of their epochs``.

    ``shifts`` says by how much it is higher or lower on each training seed, whose split may be easy or hard.
    """

    score: float
    of: str
    shifts: Mapping[int, float] = field(default_factory=dict)

    def at(self, seed: int) -> float:
        """Return the score to be reached on a training seed."""
        return self.score + self.shifts.get(seed, 0.0) - _EQUAL


def target(searches: Sequence[SearchResult]) -> Target | None:
    """Return the target of one group: what its random searches have found on average after half of their epochs.

    The mean over the searches and over all orders of their trials (``orders``), so that no single trial, and no single
    search, can move it far: a median of final scores jumps from one search's to another's. After half, because a final
    score is a maximum that random search itself reaches in every second run, and its expected cost is then mostly
    chance.

    Each seed's target is shifted by how much easier or harder its split is for all tuners together: by the mean final
    score of the tuners that have one on every seed, less its mean over the seeds. On a common target an easy split
    would let every tuner through, and a hard one none.

    Without random searches it is the lower median of all final scores, each less its seed's shift, so that more than
    half have reached it.
    """
    ended = [search for search in searches if search.status is Status.OK and search.val_score is not None]
    halves = [found for search in ended if (found := _after_half(search)) is not None]
    shifts = _shifts(ended)
    if halves:
        one = len(halves) == 1
        count, whose = ("1 random search has", "its") if one else (f"{len(halves)} random searches have", "their")
        of = f"what {count} on average after half of {whose} epochs"
        return Target(score=statistics.fmean(halves), of=of, shifts=shifts)
    scores = [
        search.val_score - shifts.get(search.training_seed, 0.0) for search in ended if search.val_score is not None
    ]
    if not scores:
        return None
    middle = "median" if len(scores) % 2 else "lower median"
    of = "the score of the one search" if len(scores) == 1 else f"the {middle} of all {len(scores)} searches"
    return Target(score=statistics.median_low(scores), of=of, shifts=shifts)


def _shifts(ended: Sequence[SearchResult]) -> dict[int, float]:
    seeds = sorted({search.training_seed for search in ended})
    by_tuner: dict[str, dict[int, list[float]]] = {}
    for search in ended:
        if search.val_score is not None:
            by_tuner.setdefault(search.planned.tuner, {}).setdefault(search.training_seed, []).append(search.val_score)
    everywhere = [found for found in by_tuner.values() if len(found) == len(seeds)]
    if not everywhere:
        return {}
    # A tuner has several on a seed where recorded ones are used again, and where two runs are compared.
    means = {seed: statistics.fmean(statistics.fmean(found[seed]) for found in everywhere) for seed in seeds}
    middle = statistics.fmean(means.values())
    return {seed: mean - middle for seed, mean in means.items()}


def _after_half(search: SearchResult) -> float | None:
    """Return the mean validation score over all orders; those that have none yet are left out."""
    found = orders(search, axis=Axis.EPOCHS, score=Score.VALIDATION)
    if found is None:
        return None
    known = [score for score in found.at(PART * found.spent).tolist() if not math.isnan(score)]
    return statistics.fmean(known) if known else search.val_score
