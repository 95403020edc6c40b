"""Which tuner should I use? How tuners stand at several budgets, and the advice that follows by rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.analysis.cost_axes import Axis, Score, spent
from harness.analysis.means_and_t_intervals import mean, median
from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group, mean_usd
from harness.analysis.statistics import bayesian_signed_rank, complete_blocks, improvement_and_iqm, interval_estimates
from harness.analysis.statistics.anytime_bands import Line, line
from harness.analysis.statistics.bayesian_signed_rank import Probabilities
from harness.analysis.statistics.complete_blocks import Seeds
from harness.analysis.statistics.interval_estimates import Estimate
from harness.analysis.statistics.verdicts import ALPHA, Question, Verdict, Verdicts
from harness.prices import Prices
from harness.results_folder import GroupName

PARTS = (0.25, 0.5, 1.0)
"""The parts of what a random search spends at which tuners are compared."""

AXES = (Axis.EPOCHS, Axis.WALL_S)
"""What budgets are counted in."""

SURE = 0.95
"""A probability from which on two tuners are called practically equivalent."""

FEWEST_SEEDS = 5
"""With fewer seeds none is called so: with three, up to one in twenty tuners that are twice as far apart have that
probability (``benchmarks/verdict/probabilities.py``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One tuner at one budget: ``part`` of what a random search spends on ``axis``, over one group or all (None).

    ``score`` is the mean test score in hand by then over ``score.n`` training seeds, 0 where there is no model yet;
    ``over_random`` the same minus that of random search on the same seeds, with its ``probabilities`` of being better,
    practically equivalent or worse. ``regret`` is the mean of the best validation score that any tuner ever found in
    the group with that training seed minus the one in hand. ``improvement`` is the probability that a search of this
    tuner beats one of random search, ``iqm`` the interquartile mean of the scores (``improvement_and_iqm``).
    ``search_s`` and ``usd`` are what a whole search costs. ``verdict`` is what may be claimed of the final score
    against random search's, None at other budgets.
    """

    group: GroupName | None
    axis: Axis
    part: float
    tuner: str
    score: Estimate
    over_random: Estimate | None
    probabilities: Probabilities | None
    regret: float | None
    improvement: float | None
    iqm: Estimate
    search_s: float | None
    usd: float | None
    verdict: Verdict | None


class Ground(StrEnum):
    """What an advice stands on."""

    EVIDENCE = "evidence"  # some tuner's scores are shown to be better
    NONE = "none"  # no difference in scores is shown
    NOTHING = "nothing"  # there was nothing to compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to use: any of ``tuners``, which are not shown to differ from each other in score or in cost.

    ``equivalent`` are those of them that are practically equivalent to random search, each with a probability of at
    least ``SURE``; none with fewer than ``FEWEST_SEEDS``. ``smallest_effect`` is the difference in score that so many
    ``seeds`` would have shown four times in five.
    """

    ground: Ground
    tuners: tuple[str, ...]
    equivalent: tuple[str, ...]
    seeds: int
    smallest_effect: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The whole answer; ``rope`` is the difference in score that makes no practical one."""

    standings: tuple[Standing, ...]
    advice: Advice
    yardstick: str | None
    rope: float

    def at_end(self, group: GroupName | None) -> list[Standing]:
        """Return the standings of a group (None: all) once every search has spent its budget."""
        return [
            each for each in self.standings if each.group == group and each.axis is Axis.EPOCHS and each.part == 1.0
        ]


def answer(groups: Sequence[Group], found: Verdicts, *, rope: float, prices: Prices) -> Answer:
    """Return how the tuners stand at each budget, and what follows."""
    yardstick = yardstick_of(groups)
    scopes: list[tuple[GroupName | None, Sequence[Group]]] = [(None, groups)]
    if len(groups) > 1:
        scopes += [(group.name, [group]) for group in groups]
    made = [_Scope(name, scope, found, yardstick, rope, prices) for name, scope in scopes if scope]
    standings = tuple(each for scope in made for each in scope.standings())
    return Answer(standings=standings, advice=_advice(found, standings), yardstick=yardstick, rope=rope)


def yardstick_of(groups: Sequence[Group]) -> str | None:
    """Return the name of the random search that tuners are compared with: the first in the matrix; None without one."""
    return next((group.random.tuner for group in groups if group.random is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Budget:
    """One budget: what it comes to in each group, and the searches' curves on its axis."""

    axis: Axis
    part: float
    costs: Mapping[GroupName, float]
    lines: Mapping[Score, Mapping[int, Line | None]]

    def score(self, group: Group, search: SearchResult) -> float | None:
        """Return the test score in hand."""
        return _in_hand(search, self.lines[Score.TEST][id(search)], self.costs.get(group.name))

    def regret(self, group: Group, search: SearchResult) -> float | None:
        """Return how much less validation score is in hand than the best that is known of the group and seed."""
        now = _in_hand(search, self.lines[Score.VALIDATION][id(search)], self.costs.get(group.name))
        best = group.best_val_scores.get(search.training_seed)
        return None if now is None or best is None else max(0.0, best - now)


@dataclass(frozen=True, slots=True)
class _Scope:
    name: GroupName | None
    groups: Sequence[Group]
    verdicts: Verdicts
    yardstick: str | None
    rope: float
    prices: Prices

    def standings(self) -> Iterator[Standing]:
        for axis in AXES:
            ends = {group.name: self._end(group, axis) for group in self.groups}
            drawn = {score: self._lines(axis, score) for score in Score}
            for part in PARTS:
                costs = {name: part * end for name, end in ends.items() if end is not None}
                at = _Budget(axis=axis, part=part, costs=costs, lines=drawn)
                overall, regrets = self._over_seeds(at.score), self._over_seeds(at.regret)
                by_group = [complete_blocks.over_seeds([group], at.score) for group in self.groups]
                for tuner in overall.tuners:
                    yield self._standing(at, tuner, overall, regrets=regrets, by_group=by_group)

    def _lines(self, axis: Axis, score: Score) -> dict[int, Line | None]:
        searches = [search for group in self.groups for search in group.searches]
        return {id(search): line(search, axis=axis, score=score, prices=self.prices) for search in searches}

    def _over_seeds(self, value: Callable[[Group, SearchResult], float | None]) -> Seeds:
        return complete_blocks.over_seeds(self.groups, value)

    def _standing(
        self, at: _Budget, tuner: str, overall: Seeds, *, regrets: Seeds, by_group: Sequence[Seeds]
    ) -> Standing:
        over = _differences(overall, tuner, self.yardstick)
        ended = [search for group in self.groups for search in group.named(tuner) if search.status is Status.OK]
        return Standing(
            group=self.name,
            axis=at.axis,
            part=at.part,
            tuner=tuner,
            score=interval_estimates.mean(complete_blocks.column(overall, tuner)),
            over_random=None if over is None else interval_estimates.mean(over),
            probabilities=None if over is None else bayesian_signed_rank.signed_rank(over, rope=self.rope),
            regret=mean(complete_blocks.column(regrets, tuner)),
            improvement=improvement_and_iqm.improvement(by_group, tuner, self.yardstick),
            iqm=improvement_and_iqm.interquartile_mean([complete_blocks.searches(each, tuner) for each in by_group]),
            search_s=mean(search.cost.wall_s for search in ended if search.cost is not None),
            usd=mean_usd(ended, self.prices),
            verdict=self._verdict(tuner) if at.axis is Axis.EPOCHS and at.part == 1.0 else None,
        )

    def _verdict(self, tuner: str) -> Verdict | None:
        if self.yardstick is None or tuner == self.yardstick:
            return None
        answered = self.verdicts.overall if self.name is None else self.verdicts.within[self.name]
        return answered[Question.SCORE].of(tuner, self.yardstick)

    def _end(self, group: Group, axis: Axis) -> float | None:
        """Return what a whole search spends: the median of the random searches, else the most of any."""
        known = [
            (search.is_random, total)
            for search in group.searches
            if search.status is Status.OK and (total := spent(search, axis=axis, prices=self.prices).value) is not None
        ]
        random = median(total for is_random, total in known if is_random)
        return max((total for _, total in known), default=None) if random is None else random


def _in_hand(search: SearchResult, drawn: Line | None, cost: float | None) -> float | None:
    """Return the score at ``cost``: ``NO_MODEL`` where there is none yet or the search failed, None where unknown."""
    if search.status is Status.MISSING or cost is None:
        return None
    if search.status is Status.FAILED or search.incumbent is None:
        return complete_blocks.NO_MODEL
    if drawn is None:
        return None
    before = sum(1 for each in drawn.cost if each <= cost)
    return drawn.score[before - 1] if before else complete_blocks.NO_MODEL


def _differences(scores: Seeds, tuner: str, yardstick: str | None) -> list[float] | None:
    if yardstick is None or tuner == yardstick or yardstick not in scores.tuners:
        return None
    pairs = zip(complete_blocks.column(scores, tuner), complete_blocks.column(scores, yardstick), strict=True)
    return [ours - theirs for ours, theirs in pairs]


def _advice(found: Verdicts, standings: Sequence[Standing]) -> Advice:
    """Follow the rule: of those that nothing is shown to be better than, the ones that cost the least.

    "The least" is a verdict too: where costs are not shown to differ, all are named.
    """
    score, cost = found.overall[Question.SCORE], found.overall[Question.COST]
    seeds = len(score.seeds.seeds)
    if score.found is None:
        return Advice(ground=Ground.NOTHING, tuners=(), equivalent=(), seeds=seeds, smallest_effect=None)
    good = score.best
    cheap = tuple(
        name
        for name in score.seeds.tuners
        if name in good and not any(cost.of(other, name) is Verdict.BETTER for other in good)
    )
    at_end = {each.tuner: each for each in standings if each.group is None and each.verdict is not None}
    likely = {name: each.probabilities.equivalent for name, each in at_end.items() if each.probabilities is not None}
    return Advice(
        ground=Ground.EVIDENCE if score.better else Ground.NONE,
        tuners=cheap,
        equivalent=tuple(name for name in cheap if seeds >= FEWEST_SEEDS and likely.get(name, -math.inf) >= SURE),
        seeds=seeds,
        smallest_effect=score.found.smallest_effect(ALPHA[Question.SCORE]),
    )
