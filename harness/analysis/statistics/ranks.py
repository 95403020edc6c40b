"""Average ranks over groups and seeds, whether they differ at all, and which of them can't be told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.groups import Group
from harness.analysis.statistics import bootstrap, pairing

ALPHA = 0.05
"""The level of the critical difference."""

_FEWEST_TUNERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Tuners by average rank of test F1, the best first; rank 1 is best, equals share their mean rank.

    ``blocks`` groups × seeds stand behind it, from ``groups`` groups. ``p`` is Friedman's, None with fewer than three
    tuners or where all are tied; ``smallest_p`` is the least that so many blocks could give. Two tuners differ by
    Nemenyi's test if their average ranks lie more than ``critical_difference`` apart; ``cliques`` are the longest runs
    of tuners, best first, that don't. ``remarks`` say in words what it rests on and what was left out.
    """

    tuners: tuple[str, ...]
    average: tuple[float, ...]
    blocks: int
    groups: int
    chi2: float | None
    p: float | None
    smallest_p: float | None
    critical_difference: float | None
    cliques: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...]


def ranks(groups: Sequence[Group]) -> Ranks:
    """Rank the tuners that all groups share on each group and seed that all of them have a record of.

    A failed search, and one without any score, ranks last. A missing one, or an unknown test F1, leaves its block out,
    and ``remarks`` count it. Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006.
    """
    found = pairing.blocks(groups)
    table = [[pairing.score(block.searches[name]) for name in found.tuners] for block in found.complete]
    known = [[score for score in row if score is not None] for row in table]
    usable = [row for row in known if len(row) == len(found.tuners)]
    remarks = list(found.remarks)
    if len(usable) < len(table):
        remarks.append(f"Left out, as a test score is unknown: {len(table) - len(usable)} of {len(table)}.")
    return of_scores(found.tuners, usable, groups=found.groups, remarks=remarks)


def of_scores(
    tuners: Sequence[str], scores: Sequence[Sequence[float]], *, groups: int, remarks: Sequence[str] = ()
) -> Ranks:
    """Rank ``tuners`` by ``scores``, a row for each block of one of the ``groups``; greater is better."""
    # scipy takes a second to import, and most commands make no tables.
    import numpy as np  # noqa: PLC0415 - see above
    from scipy import stats  # noqa: PLC0415 - see above

    if not scores or len(tuners) < 2:  # noqa: PLR2004 - one tuner has no one to be ranked against
        why = "fewer than two tuners" if len(tuners) < 2 else "no group and seed in which every tuner has a record"  # noqa: PLR2004
        return _nothing(remarks=(*remarks, f"No ranks: {why}."))
    average = stats.rankdata(-np.asarray(scores), axis=1).mean(axis=0).tolist()
    order = sorted(range(len(tuners)), key=lambda index: (average[index], index))
    names, sorted_ranks = tuple(tuners[index] for index in order), tuple(average[index] for index in order)
    difference = critical_difference(len(tuners), len(scores))
    chi2, p = _friedman(scores)
    smallest = float(stats.chi2.sf(len(scores) * (len(tuners) - 1), len(tuners) - 1)) if p is not None else None
    return Ranks(
        tuners=names,
        average=sorted_ranks,
        blocks=len(scores),
        groups=groups,
        chi2=chi2,
        p=p,
        smallest_p=smallest,
        critical_difference=difference,
        cliques=cliques(names, sorted_ranks, difference),
        remarks=(*_remarks(len(tuners), len(scores), groups, difference, p), *remarks),
    )


def critical_difference(tuners: int, blocks: int) -> float:
    """Return Nemenyi's critical difference of average ranks, q(0.05) √(k (k + 1) / (6 N)) (Demšar 2006, section 3.2.2).

    q is the Studentized range statistic for k tuners and infinite degrees of freedom, divided by √2.
    """
    # scipy takes a second to import, and most commands make no tables.
    from scipy import stats  # noqa: PLC0415 - see above

    quantile = float(stats.studentized_range.ppf(1 - ALPHA, tuners, math.inf)) / math.sqrt(2)
    return quantile * math.sqrt(tuners * (tuners + 1) / (6 * blocks))


def cliques(tuners: Sequence[str], average: Sequence[float], difference: float) -> tuple[tuple[str, ...], ...]:
    """Return the longest runs of two or more tuners, sorted by average rank, that span no more than ``difference``."""
    found: list[tuple[int, int]] = []
    for first in range(len(tuners)):
        last = max(index for index in range(first, len(tuners)) if average[index] - average[first] <= difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return tuple(tuple(tuners[first : last + 1]) for first, last in found)


def _nothing(*, remarks: tuple[str, ...]) -> Ranks:
    unknown = {"chi2": None, "p": None, "smallest_p": None, "critical_difference": None}
    return Ranks(tuners=(), average=(), blocks=0, groups=0, cliques=(), remarks=remarks, **unknown)


def _friedman(scores: Sequence[Sequence[float]]) -> tuple[float | None, float | None]:
    """Return Friedman's χ², corrected for ties, and its p (Hollander, Wolfe and Chicken 2014, section 7.1)."""
    from scipy import stats  # noqa: PLC0415 - slow to import, and most commands make no tables

    if len(scores[0]) < _FEWEST_TUNERS or all(len(set(row)) == 1 for row in scores):
        return None, None
    found = stats.friedmanchisquare(*zip(*scores, strict=True))
    return float(found.statistic), float(found.pvalue)


def _remarks(tuners: int, blocks: int, groups: int, difference: float, p: float | None) -> list[str]:
    found = []
    if blocks < bootstrap.FEW:
        found.append(f"Rankings (groups × seeds): {blocks}; fewer than {bootstrap.FEW} prove little.")
    if difference >= tuners - 1:
        found.append(f"No two of {tuners} tuners can be told apart by so few: ranks can't differ by {difference:.2f}.")
    if groups == 1:
        found.append("All seeds are of one group: this says nothing about other data or backbones.")
    if p is None:
        found.append("No Friedman test: " + ("all are tied." if tuners >= _FEWEST_TUNERS else "it needs three tuners."))
    return found
