"""The F1 to be reached within a group, what reaching it cost, and how that compares with random search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis import curves
from harness.analysis.intervals import median
from harness.analysis.reading import Search, Status

RANDOM = ("kt-random", "optuna-random")
"""Tuners that random search is read from, by what they are, not by what a matrix calls them."""

UNTUNED = "default"
"""The tuner that trains the default configuration only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A validation F1, and which searches' median it is."""

    f1: float
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How a tuner's searches met the target: ``wall_s`` is the median with misses infinite, None without searches."""

    wall_s: float | None
    reached: int
    searches: int


def target(searches: Sequence[Search]) -> Target | None:
    """Return the target of one group: the median final validation F1 of its random searches, else of all searches.

    A median of reruns, not a best: a lucky run would set a target that others can't be blamed for missing.
    """
    ended = [search for search in searches if search.status is Status.OK and search.val_f1 is not None]
    random = [search for search in ended if search.tuner in RANDOM]
    scores = [search.val_f1 for search in random or ended if search.val_f1 is not None]
    middle = median(scores)
    if middle is None:
        return None
    plural = "" if len(scores) == 1 else "es"
    return Target(
        f1=middle, of=f"{len(scores)} random search{plural}" if random else f"all {len(scores)} search{plural}"
    )


def reached(searches: Sequence[Search], goal: Target) -> Reached:
    """Return what it cost these searches to reach ``goal``; a failed search has missed it, a missing one is not asked.

    The seconds are the search's own wall seconds since its first ask.
    """
    asked = [search for search in searches if search.status is not Status.MISSING]
    costs = [_seconds_to(search, goal) for search in asked]
    return Reached(
        wall_s=median(costs),
        reached=sum(1 for seconds in costs if math.isfinite(seconds)),
        searches=len(asked),
    )


def speedup(of: Reached, over: Reached) -> float | None:
    """Return how many times sooner the target was reached than by ``over``; None where the ratio is undefined.

    Infinite where only ``over`` missed, 0 where only ``of`` did.
    """
    if of.wall_s is None or over.wall_s is None:
        return None
    if of.wall_s == over.wall_s:
        return 1.0 if math.isfinite(of.wall_s) else None
    return over.wall_s / of.wall_s if of.wall_s > 0 else math.inf


def _seconds_to(search: Search, goal: Target) -> float:
    if search.status is Status.FAILED:
        return math.inf
    step = curves.first_at(search.curve, goal.f1)
    return math.inf if step is None else step.wall_s
