"""The F1 to be reached within a group."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.reading import Search, Status

RANDOM = ("kt-random", "optuna-random")
"""Tuners that random search is read from, by what they are, not by what a matrix calls them."""

UNTUNED = "default"
"""The tuner that trains the default configuration only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A validation F1, and what it is, as ``median of 3 random searches``."""

    f1: float
    of: str


def target(searches: Sequence[Search]) -> Target | None:
    """Return the target of one group: the median final validation F1 of its random searches, else of all searches.

    A median of reruns, not a best: a lucky run would set a target that others can't be blamed for missing. Of an even
    number it is the lower of the two middle ones, an F1 that a search has had, so that more than half have reached it:
    what lies between the two is missed by just half, and the median cost of reaching it is infinite.
    """
    ended = [search for search in searches if search.status is Status.OK and search.val_f1 is not None]
    random = [search for search in ended if search.tuner in RANDOM]
    scores = [search.val_f1 for search in random or ended if search.val_f1 is not None]
    if not scores:
        return None
    middle = "median" if len(scores) % 2 else "lower median"
    which = f"{len(scores)} random" if random else f"all {len(scores)}"
    plural = "" if len(scores) == 1 else "es"
    return Target(f1=statistics.median_low(scores), of=f"{middle} of {which} search{plural}")
