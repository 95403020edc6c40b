"""Tuners in order of their mean test score, and which of them can't be told apart."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.search_groups import Group
from harness.analysis.statistics import complete_blocks, interval_estimates
from harness.analysis.statistics.verdicts import ALPHA, Question, Verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Tuners by mean test score over seeds and groups, the best first.

    ``average`` are their average ranks over groups and training seeds; rank 1 is best, equals share their mean rank. It
    decides nothing. ``cliques`` are the longest runs of tuners in which no two are shown to differ, ``differ`` says
    whether any two are. ``smallest_effect`` is the difference that so many seeds would have shown four times in five;
    None where nothing was tested. ``remarks`` say in words what it rests on and what was left out.
    """

    tuners: tuple[str, ...]
    means: tuple[float, ...]
    average: tuple[float, ...]
    seeds: int
    groups: int
    differ: bool
    cliques: tuple[tuple[str, ...], ...]
    smallest_effect: float | None
    remarks: tuple[str, ...]


def ranks(groups: Sequence[Group], found: Verdicts) -> Ranks:
    """Rank the tuners that all groups share, over the training seeds on which each of them has a record in every group.

    A failed search, and one without any score, scores 0. A missing one, or an unknown test score, leaves its seed out,
    and ``remarks`` count it.
    """
    answered = found.overall[Question.SCORE]
    if answered.found is None:
        why = "fewer than two tuners" if len(answered.seeds.tuners) < 2 else "fewer than two complete seeds"  # noqa: PLR2004
        return _nothing((*answered.seeds.remarks, f"No ranks: {why}."), seeds=len(answered.seeds.seeds))
    names = answered.ranked
    average = _average_ranks(groups, set(answered.seeds.seeds), answered.seeds.tuners)
    return Ranks(
        tuners=names,
        means=tuple(answered.found.means[index] for index in answered.found.order),
        average=tuple(average[name] for name in names),
        seeds=len(answered.seeds.seeds),
        groups=len(groups),
        differ=bool(answered.better),
        cliques=answered.cliques,
        smallest_effect=answered.found.smallest_effect(ALPHA[Question.SCORE]),
        remarks=(*_remarks(len(answered.seeds.seeds), len(groups)), *answered.seeds.remarks),
    )


def _average_ranks(groups: Sequence[Group], seeds: set[int], tuners: Sequence[str]) -> dict[str, float]:
    # scipy takes a second to import, and most commands make no tables.
    from scipy import stats  # noqa: PLC0415 - see above

    table = [row for group in groups for row in _scores(group, seeds, tuners)]
    by_tuner = zip(*(stats.rankdata([-score for score in row]).tolist() for row in table), strict=True)
    return {name: statistics.fmean(found) for name, found in zip(tuners, by_tuner, strict=True)}


def _scores(group: Group, seeds: set[int], tuners: Sequence[str]) -> Iterator[list[float]]:
    """Yield the tuners' scores on each of these training seeds."""
    found = complete_blocks.over_seeds([group], lambda _, search: complete_blocks.score(search))
    places = [found.tuners.index(name) for name in tuners]
    rows = zip(found.seeds, found.values, strict=True)
    yield from ([row[place] for place in places] for seed, row in rows if seed in seeds)


def _nothing(remarks: tuple[str, ...], *, seeds: int) -> Ranks:
    return Ranks(
        tuners=(),
        means=(),
        average=(),
        seeds=seeds,
        groups=0,
        differ=False,
        cliques=(),
        smallest_effect=None,
        remarks=remarks,
    )


def _remarks(seeds: int, groups: int) -> list[str]:
    found = []
    if seeds < interval_estimates.FEW:
        found.append(f"Complete seeds: {seeds}; fewer than {interval_estimates.FEW} show only large differences.")
    if groups == 1:
        found.append("All seeds are of one group: this says nothing about other data or backbones.")
    return found
