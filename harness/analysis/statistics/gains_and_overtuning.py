"""Paired by seed: better than random search, better than no tuning; and what selection overrates."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from harness.analysis.results_reading import SearchResult
from harness.analysis.search_groups import Group, Row
from harness.analysis.statistics import complete_blocks, interval_estimates
from harness.analysis.statistics.interval_estimates import Estimate
from harness.analysis.training_seeds import by_training_seed, means


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Mean test score above a yardstick's on the same training seeds, and on how many of these it is worse or tied.

    Searches of one training seed are averaged first. A search that failed scores 0 (``complete_blocks.score``).
    ``left_out`` seeds make no pair, as one of the two is missing or has no test score.
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
    ``losers`` of so many ``searches`` have lost any.
    """

    gap: Estimate
    loss: Estimate
    losers: int
    searches: int


def over_untuned(group: Group, row: Row) -> Gain | None:
    """Return test score minus that of the default configuration on the same seed; None without such pairs."""
    return None if row.is_untuned or group.untuned is None else _gain(group, row, group.untuned)


def over_random(group: Group, row: Row) -> Gain | None:
    """Return test score minus that of the group's first random search on the same seed; None without such pairs."""
    return None if row.is_random or group.random is None else _gain(group, row, group.random)


def overtuning(row: Row) -> Overtuning:
    """Return what selection by validation score overrates and loses, over the searches that ran to their end.

    ``gap`` is the meta-overfitting and ``loss`` the overtuning of Schneider, Bischl and Feurer, "Overtuning in
    Hyperparameter Optimization", AutoML 2025 (arXiv 2506.19540), told in scores instead of errors.
    """
    losses = [(search, _loss(search)) for search in row.ok]
    known = [loss for _, loss in losses if loss is not None]
    return Overtuning(
        gap=interval_estimates.mean(means((search, search.gap_score) for search in row.ok)),
        loss=interval_estimates.mean(means(losses)),
        losers=sum(1 for each in known if each > 0),
        searches=len(known),
    )


def _loss(search: SearchResult) -> float | None:
    """Return how much better than the last incumbent's test score the best one's was; None where one is unknown."""
    seen = [step.test_score for step in search.curve if step.test_score is not None]
    return None if search.val_score is None or search.test_score is None else max(seen) - search.test_score


def _gain(group: Group, row: Row, yardstick: Row) -> Gain | None:
    ours, theirs = _scores(row), _scores(yardstick)
    differences = [own - theirs[seed] for seed, own in ours.items() if seed in theirs]
    if not differences:
        return None
    planned = {group.training_seeds.get(search.planned.seed) for search in row.searches} - {None}
    return Gain(
        estimate=interval_estimates.mean(differences),
        worse=sum(1 for difference in differences if difference < 0),
        tied=sum(1 for difference in differences if difference == 0),
        left_out=len(planned) - len(differences),
    )


def _scores(row: Row) -> dict[int, float]:
    """Return the mean test score of each training seed's searches."""
    scored = [(search, complete_blocks.score(search)) for search in row.searches]
    known = by_training_seed((search, score) for search, score in scored if score is not None)
    return {seed: statistics.fmean(scores) for seed, scores in known.items()}
