"""What may be said of tuners: every claim of tables, plots and page is one of these verdicts, and there are no others.

Three questions are asked of a matrix: whose models score higher on test images, who has a good model sooner, and whose
search costs less. Over all groups together every two tuners are compared on each, seed by seed. The chance that this
makes any false claim is at most 5 %, of which each question has its share (``ALPHA``). Within one group, only what
differs over all groups is looked at again. Questions of seconds leave out seeds on which the machine was busy
(``SearchResult.is_disturbed``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.analysis.cost_axes import Axis, Score, spent
from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group
from harness.analysis.statistics import complete_blocks, curve_areas
from harness.analysis.statistics.complete_blocks import Seeds
from harness.analysis.statistics.studentised_range_test import Contrasts, contrasts
from harness.prices import Prices
from harness.results_folder import GroupName


class Question(StrEnum):
    """What tuners may differ in."""

    SCORE = "score"
    SOONER = "sooner"
    COST = "cost"


ALPHA: Mapping[Question, float] = {Question.SCORE: 0.04, Question.SOONER: 0.005, Question.COST: 0.005}
"""The chance of any false claim that each question is allowed. Most of it goes to what people tune for; searches differ
in cost by factors, which are found at any level."""


class Verdict(StrEnum):
    """How one tuner compares with another."""

    BETTER = "better"
    WORSE = "worse"
    OPEN = "open"  # no difference is shown, which is no proof that there is none


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One question answered over some groups; greater values are better.

    ``found`` is None where there are fewer than two tuners or two complete seeds. ``better`` holds the pairs (better,
    worse) that are claimed to differ, and no others may be.
    """

    question: Question
    seeds: Seeds
    found: Contrasts | None
    better: frozenset[tuple[str, str]]

    def of(self, tuner: str, other: str) -> Verdict:
        """Return how ``tuner`` compares with ``other``."""
        if (tuner, other) in self.better:
            return Verdict.BETTER
        return Verdict.WORSE if (other, tuner) in self.better else Verdict.OPEN

    def p(self, tuner: str, other: str) -> float | None:
        """Return the corrected p-value of a pair; None where it wasn't tested."""
        names = self.seeds.tuners
        if self.found is None or tuner not in names or other not in names or tuner == other:
            return None
        return self.found.p[names.index(tuner), names.index(other)]

    @property
    def ranked(self) -> tuple[str, ...]:
        """The tuners by their mean value, the largest first; in the order of the matrix where nothing was tested."""
        names = self.seeds.tuners
        return names if self.found is None else tuple(names[index] for index in self.found.order)

    @property
    def best(self) -> tuple[str, ...]:
        """The tuners that none is claimed to be better than, the largest mean first: named together or not at all."""
        beaten = {worse for _, worse in self.better}
        return tuple(name for name in self.ranked if name not in beaten)

    @property
    def cliques(self) -> tuple[tuple[str, ...], ...]:
        """The longest runs of ``ranked`` in which no two are claimed to differ."""
        if self.found is None:
            return (self.ranked,) if len(self.ranked) > 1 else ()
        names = self.seeds.tuners
        return tuple(tuple(names[i] for i in clique) for clique in self.found.cliques(ALPHA[self.question]))


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """All that may be claimed of a matrix: over all groups, and within each."""

    overall: Mapping[Question, Answered]
    within: Mapping[GroupName, Mapping[Question, Answered]]

    @property
    def claims(self) -> int:
        """How many differences are claimed anywhere."""
        answered = [*self.overall.values(), *(one for each in self.within.values() for one in each.values())]
        return sum(len(each.better) for each in answered)


def verdicts(groups: Sequence[Group], *, prices: Prices) -> Verdicts:
    """Return what may be claimed of the tuners of these groups."""
    values = _values(groups, prices)
    overall = {question: _answered(question, groups, values[question]) for question in Question}
    return Verdicts(
        overall=overall,
        within={
            group.name: {
                question: _within(question, group, values[question], overall[question], of=len(groups))
                for question in Question
            }
            for group in groups
        },
    )


_Value = Callable[[Group, SearchResult], float | None]


def _answered(question: Question, groups: Sequence[Group], value: _Value) -> Answered:
    seeds = complete_blocks.over_seeds(groups, value)
    found = contrasts(seeds.values)
    pairs = found.differ(ALPHA[question]) if found is not None else ()
    better = frozenset((seeds.tuners[first], seeds.tuners[second]) for first, second in pairs)
    return Answered(question=question, seeds=seeds, found=found, better=better)


def _within(question: Question, group: Group, value: _Value, overall: Answered, *, of: int) -> Answered:
    """Look again, within one ``of`` so many groups, at the pairs that differ over all of them."""
    if of == 1 or not overall.better:
        return overall
    seeds = complete_blocks.over_seeds([group], value)
    found = contrasts(seeds.values)
    pairs = found.differ(ALPHA[question] / of) if found is not None else ()
    named = ((seeds.tuners[first], seeds.tuners[second]) for first, second in pairs)
    better = frozenset(pair for pair in named if overall.of(*pair) is not Verdict.OPEN)
    return Answered(question=question, seeds=seeds, found=found, better=better)


def _values(groups: Sequence[Group], prices: Prices) -> Mapping[Question, _Value]:
    frames = {
        group.name: curve_areas.frame(group, axis=Axis.WALL_S, score=Score.TEST, prices=prices) for group in groups
    }

    def area(group: Group, search: SearchResult) -> float | None:
        bounds = None if search.is_disturbed else frames[group.name]
        return curve_areas.of(search, bounds, axis=Axis.WALL_S, score=Score.TEST, prices=prices)

    def cost(_group: Group, search: SearchResult) -> float | None:
        # A search that failed has cost something, but bought nothing that its cost could be compared for.
        is_known = search.status is Status.OK and not search.is_disturbed
        found = spent(search, axis=Axis.WALL_S, prices=prices).value if is_known else None
        return -math.log(found) if found is not None and found > 0 else None

    return {
        Question.SCORE: lambda _group, search: complete_blocks.score(search),
        Question.SOONER: area,
        Question.COST: cost,
    }
