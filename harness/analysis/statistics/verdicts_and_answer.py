"""The one judgement of a matrix that its tables, plots and page all tell."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.analysis.results_reading import MatrixResults
from harness.analysis.search_groups import Group, Row, groups
from harness.analysis.statistics.answer import Answer, answer
from harness.analysis.statistics.verdicts import Question, Verdict, Verdicts, verdicts
from harness.prices import Prices


# No slots: pictures ask for no answer, which takes longest.
@dataclass(frozen=True, kw_only=True)
class Judged:
    """The groups of some results and what may be claimed of their tuners, at these prices.

    ``rope`` is the difference in score that makes no practical one.
    """

    groups: Sequence[Group]
    verdicts: Verdicts
    rope: float
    prices: Prices

    @cached_property
    def answer(self) -> Answer:
        """Which of the tuners to use."""
        return answer(self.groups, self.verdicts, rope=self.rope, prices=self.prices)

    def against_random(self, group: Group, row: Row) -> Verdict | None:
        """Return how a tuner's scores compare with those of the group's random search; None for that and without it."""
        if group.random is None or row.is_random:
            return None
        return self.verdicts.within[group.name][Question.SCORE].of(row.tuner, group.random.tuner)


# Kept for as long as the results are: every report and picture of a command asks for the same.
_made: weakref.WeakKeyDictionary[MatrixResults, Judged] = weakref.WeakKeyDictionary()


def judged(results: MatrixResults, *, prices: Prices) -> Judged:
    """Return the judgement of these results at these prices."""
    kept = _made.get(results)
    if kept is None or kept.prices != prices:
        found = groups(results)
        said = verdicts(found, prices=prices)
        _made[results] = kept = Judged(groups=found, verdicts=said, rope=results.equivalence, prices=prices)
    return kept
