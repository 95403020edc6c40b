"""The one judgement of a matrix that its tables, plots and page all tell."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.groups import Group, groups
from harness.analysis.reading import Results
from harness.analysis.statistics.answer import Answer, answer
from harness.analysis.statistics.verdicts import Verdicts, verdicts
from harness.prices import Prices


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The groups of some results, what may be claimed of their tuners, and which of them to use."""

    groups: Sequence[Group]
    verdicts: Verdicts
    answer: Answer


# Kept for as long as the results are: every report and picture of a command asks for the same.
_made: weakref.WeakKeyDictionary[Results, tuple[Prices, Judged]] = weakref.WeakKeyDictionary()


def judged(results: Results, *, prices: Prices) -> Judged:
    """Return the judgement of these results at these prices."""
    kept = _made.get(results)
    if kept is not None and kept[0] == prices:
        return kept[1]
    found = groups(results)
    said = verdicts(found, prices=prices)
    made = Judged(groups=found, verdicts=said, answer=answer(found, said, rope=results.equivalence, prices=prices))
    _made[results] = prices, made
    return made
