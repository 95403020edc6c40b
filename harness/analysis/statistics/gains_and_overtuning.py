"""Paired by seed: better than random search, better than no tuning; and what selection overrates."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group, Row
from harness.analysis.statistics import complete_blocks, interval_estimates
from harness.analysis.statistics.interval_estimates import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Mean test score above a yardstick's on the same seeds, and on how many of these it is worse or tied.

    A search that failed scores 0 (``complete_blocks.score``). ``left_out`` seeds make no pair, as one of the two is
    missing or has no test score.
    """

    estimate: Estimate
    worse: int
    tied: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtuning:
    """What selection by validation score overrates, and what it loses; each over the searches that have both scores.

    ``gap`` is the mean of validation minus test score of the final incumbent. ``loss`` is the mean of the best test
    score among a search's incumbents minus that of the final one: 0 where choosing longer never hurt, never negative.
    ``losers`` of ``loss.n`` searches have lost any.
    """

    gap: Estimate
    loss: Estimate
    losers: int


def over_untuned(group: Group, row: Row) -> Gain | None:
    """Return test score minus that of the default configuration on the same seed; None without such pairs."""
    return None if row.is_untuned or group.untuned is None else _gain(row, group.untuned)


def over_random(group: Group, row: Row) -> Gain | None:
    """Return test score minus that of the group's first random search on the same seed; None without such pairs."""
    return None if row.is_random or group.random is None else _gain(row, group.random)


def overtuning(row: Row) -> Overtuning:
    """Return what selection by validation score overrates and loses, over the searches that ran to their end.

    ``gap`` is the meta-overfitting and ``loss`` the overtuning of Schneider, Bischl and Feurer, "Overtuning in
    Hyperparameter Optimization", AutoML 2025 (arXiv 2506.19540), told in scores instead of errors.
    """
    gaps, losses = [], []
    for search in row.ok:
        seen = [step.test_score for step in search.curve if step.test_score is not None]
        if search.val_score is not None and search.test_score is not None:
            gaps.append(search.val_score - search.test_score)
            losses.append(max(seen) - search.test_score)
    return Overtuning(
        gap=interval_estimates.mean(gaps),
        loss=interval_estimates.mean(losses),
        losers=sum(1 for each in losses if each > 0),
    )


def _gain(row: Row, yardstick: Row) -> Gain | None:
    ours, theirs = _by_seed(row.searches, complete_blocks.score), _by_seed(yardstick.searches, complete_blocks.score)
    pairs = [(_mean(values), _mean(theirs.get(seed, []))) for seed, values in ours.items()]
    differences = [own - other for own, other in pairs if own is not None and other is not None]
    if not differences:
        return None
    return Gain(
        estimate=interval_estimates.mean(differences),
        worse=sum(1 for difference in differences if difference < 0),
        tied=sum(1 for difference in differences if difference == 0),
        left_out=len({search.planned.seed for search in row.searches}) - len(differences),
    )


def _by_seed(
    searches: Sequence[SearchResult], of: Callable[[SearchResult], float | None]
) -> dict[int, list[float | None]]:
    found: dict[int, list[float | None]] = {}
    for search in searches:
        if search.status is not Status.MISSING:
            found.setdefault(search.planned.seed, []).append(of(search))
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
