"""Every tuner against every other, paired by group and seed."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.analysis.groups import Group
from harness.analysis.statistics import pairing

ALPHA = 0.05
"""The level that remarks speak of."""

_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Test F1 of ``first`` minus that of ``second`` on the groups and seeds that both have a record of.

    ``wins``, ``ties`` and ``losses`` are those of ``first`` and add up to ``pairs``. ``median_difference`` is infinite
    where most pairs have one failed search. ``p`` is that of the two-sided Wilcoxon signed-rank test, ``p_holm`` the
    same corrected over all comparisons made at once; ``smallest_p`` is the least ``p`` that so many untied pairs can
    give. All three are None without an untied pair. ``remark`` says where that is too few.
    """

    first: str
    second: str
    pairs: int
    wins: int
    ties: int
    losses: int
    median_difference: float | None
    p: float | None
    p_holm: float | None
    smallest_p: float | None
    remark: str | None


def comparisons(groups: Sequence[Group]) -> tuple[Comparison, ...]:
    """Compare every two tuners over all their pairs, in the order of the matrix.

    A failed search, and one without any score, loses by more than any scored one; two of them tie. A missing one, and
    one with an unknown test F1, makes no pair.
    """
    names = dict.fromkeys(row.tuner for group in groups for row in group.rows)
    scored = [{name: pairing.score(search) for name, search in b.searches.items()} for b in pairing.every(groups)]
    found = [_comparison(first, second, scored) for first, second in itertools.combinations(names, 2)]
    tested = [(each.p, each.smallest_p) for each in found if each.p is not None and each.smallest_p is not None]
    corrected = iter(holm([p for p, _ in tested]))
    # No corrected p is below the one that it would have if every comparison had its own smallest.
    best = iter(holm([smallest_p for _, smallest_p in tested]))
    return tuple(
        each
        if each.smallest_p is None
        else replace(each, p_holm=next(corrected), remark=_too_few(each, best=next(best), tests=len(tested)))
        for each in found
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected over all of them (Holm, Scandinavian Journal of Statistics 6(2), 1979), in order."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, least = [1.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = least
    return corrected


def signed_rank_p(differences: Sequence[float]) -> float | None:
    """Return the two-sided p of Wilcoxon's signed-rank test (Biometrics Bulletin 1(6), 1945); None if all are 0.

    Zeros are dropped, as Wilcoxon did. The p is exact without ties, up to 50 pairs, or with at most 13 pairs, and
    otherwise by the normal approximation. Infinite differences are the largest.
    """
    # scipy takes a second to import, and most commands make no tables.
    import numpy as np  # noqa: PLC0415 - see above
    from scipy import stats  # noqa: PLC0415 - see above

    untied = np.asarray([difference for difference in differences if difference != 0])
    if not untied.size:
        return None
    # The test sees ranks only; of infinite differences scipy would make NaN.
    return float(stats.wilcoxon(np.sign(untied) * stats.rankdata(np.abs(untied))).pvalue)


def _comparison(first: str, second: str, scored: Sequence[dict[str, float | None]]) -> Comparison:
    differences = [_minus(ours, theirs) for row in scored for ours, theirs in [(row.get(first), row.get(second))]]
    known = [difference for difference in differences if difference is not None]
    untied = sum(1 for difference in known if difference != 0)
    return Comparison(
        first=first,
        second=second,
        pairs=len(known),
        wins=sum(1 for difference in known if difference > 0),
        ties=len(known) - untied,
        losses=sum(1 for difference in known if difference < 0),
        median_difference=_median(known),
        p=signed_rank_p(known),
        p_holm=None,
        smallest_p=2.0 ** (1 - untied) if untied else None,
        remark=None if untied else ("all pairs are tied" if known else "no pair"),
    )


def _minus(ours: float | None, theirs: float | None) -> float | None:
    if ours is None or theirs is None:
        return None
    # Two F1 that are equal on paper may differ in their last bit, which would be a win to a test that sees ranks only.
    return 0.0 if ours == theirs else round(ours - theirs, _DIGITS)


def _median(known: Sequence[float]) -> float | None:
    if not known:
        return None
    found = statistics.median(known)
    return None if math.isnan(found) else found


def _too_few(each: Comparison, *, best: float, tests: int) -> str | None:
    untied = each.wins + each.losses
    pairs = f"{untied} untied pair{'' if untied == 1 else 's'}"
    if each.smallest_p is not None and each.smallest_p >= ALPHA:
        return f"{pairs} can't reach p < {ALPHA}: the smallest possible is {each.smallest_p:.3g}"
    if best >= ALPHA:
        return f"{pairs} can't reach p < {ALPHA} once corrected for {tests} comparisons: at best {best:.3g}"
    return None
