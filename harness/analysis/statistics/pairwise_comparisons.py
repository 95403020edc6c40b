"""Every tuner against every other, seed by seed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from harness.analysis.statistics import interval_estimates
from harness.analysis.statistics.interval_estimates import Estimate
from harness.analysis.statistics.verdicts import Answered, Question, Verdict, Verdicts

_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Test score of ``first`` minus that of ``second``, averaged over the groups, on the seeds that all tuners share.

    ``wins``, ``ties`` and ``losses`` are those of ``first`` over ``seeds`` seeds. ``difference`` has a t interval of
    this pair alone; ``p`` is corrected over all pairs (``contrasts``), and ``verdict`` follows from it.
    """

    first: str
    second: str
    seeds: int
    wins: int
    ties: int
    losses: int
    difference: Estimate
    p: float | None
    verdict: Verdict


def comparisons(found: Verdicts) -> tuple[Comparison, ...]:
    """Compare every two tuners that all groups share, in the order of the matrix."""
    answered = found.overall[Question.SCORE]
    columns = list(enumerate(answered.seeds.tuners))
    return tuple(_comparison(answered, *first, *second) for first, second in itertools.combinations(columns, 2))


def _comparison(answered: Answered, place: int, first: str, other_place: int, second: str) -> Comparison:
    # Two scores that are equal on paper may differ in the last bit of their mean over groups.
    differences = [round(row[place] - row[other_place], _DIGITS) for row in answered.seeds.values]
    return Comparison(
        first=first,
        second=second,
        seeds=len(differences),
        wins=sum(1 for each in differences if each > 0),
        ties=sum(1 for each in differences if each == 0),
        losses=sum(1 for each in differences if each < 0),
        difference=interval_estimates.mean(differences),
        p=answered.p(first, second),
        verdict=answered.of(first, second),
    )
