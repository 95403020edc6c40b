"""What a group's searches say, in plain words, and no more than they say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.analysis import Group, Row, Search, Status, Target
from harness.analysis.axes import Axis
from harness.analysis.statistics import (
    Comparison,
    Estimate,
    Ranks,
    Reaching,
    over_random,
    over_untuned,
    reaching,
    speedup,
)
from harness.analysis.statistics.estimates import FEW
from harness.analysis.statistics.pairwise import ALPHA
from harness.prices import Prices
from harness.reports import cells
from harness.reports.cells import counted

_NOTABLE_SHARE = 0.1


def sentences(group: Group, *, prices: Prices) -> list[str]:
    """Return what is known of a group: target, test F1 against random search, thinking, tuning against none, failures.

    Where seeds are few, or no difference is beyond chance, it says so.
    """
    if not any(row.ok for row in group.rows):
        return [f"{_where(group)}no search has ended well, so nothing can be said.", *_bad(group)]
    return [
        *_to_target(group, prices),
        *_on_test(group),
        *_few(group),
        *_thinking(group),
        *_against_default(group),
        *_bad(group),
    ]


def overall(ranks: Ranks, comparisons: Sequence[Comparison], *, score: str) -> list[str]:
    """Return what all groups together say of the tuners, in ranks and in tests corrected over all pairs of tuners.

    ``score`` is what the score is called, as ``macro-F1``.
    """
    found = []
    if ranks.blocks and len(ranks.tuners) > 1:
        best, worst = (_at_rank(ranks, ranks.average[end]) for end in (0, -1))
        found.append(
            f"Mean ranks by test {score} on {counted(ranks.blocks, 'pair')} of group and seed: the best of "
            f"{len(ranks.tuners)} tuners is {best}, the worst {worst}."
        )
    tested = [each for each in comparisons if each.p_holm is not None]
    clear = [each for each in tested if each.p_holm is not None and each.p_holm < ALPHA]
    if tested and not clear:
        found.append(
            f"No two of the tuners differ in test {score} beyond chance (Wilcoxon signed-rank over all groups and "
            f"seeds, Holm's correction for {counted(len(tested), 'test')}, {100 * ALPHA:.0f} %)."
        )
    elif clear:
        found.append(
            f"Of {counted(len(tested), 'comparison')} of two tuners, {len(clear)} show a difference in test {score}."
        )
    return [*found, *(_difference(each) for each in sorted(clear, key=lambda each: each.p_holm or 0.0)[:5])]


def _at_rank(ranks: Ranks, average: float) -> str:
    tied = [tuner for tuner, other in zip(ranks.tuners, ranks.average, strict=True) if math.isclose(other, average)]
    return f"{' and '.join(tied)} ({average:.2f})"


def ended(cells: Sequence[Search], noun: str = "search", nouns: str = "searches") -> str:
    """Return how many of the cells ended how, as ``36 searches: 34 ok, 1 failed, 1 missing``."""
    counts = {status: sum(cell.status is status for cell in cells) for status in Status}
    found = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
    return f"{counted(len(cells), noun, nouns)}: {found}" if cells else f"no {noun} was planned"


def _where(group: Group) -> str:
    return f"On {group.name.dataset} with {group.name.backbone}, "


def _to_target(group: Group, prices: Prices) -> Iterator[str]:
    goal = group.target
    if goal is None:
        yield f"{_where(group)}no search has a score, so there is nothing to compare."
        return
    asked = [(row, reaching(group, row, axis=Axis.WALL_S, prices=prices)) for row in group.rows]
    met = [(row, found) for row, found in asked if found is not None and 2 * found.reached > found.searches]
    if not met:
        yield f"{_where(group)}no tuner reached {_bar(goal, group.score)} in more than half of its searches."
        return
    row, found = min(met, key=lambda pair: pair[1].expected.value or 0.0)
    bar, seconds = _bar(goal, group.score), f"an expected {cells.number(found.expected.value)} search s"
    yield f"{_where(group)}{_name(row)} reached {bar} in {seconds}{_sooner(group, row, prices)}. {_met(found)}"


def _bar(goal: Target, score: str) -> str:
    return f"validation {score} {goal.f1:.3f}, the {goal.of},"


def _sooner(group: Group, row: Row, prices: Prices) -> str:
    if row.is_random:
        return ", sooner than any other tuner"
    factor = speedup(group, row, axis=Axis.WALL_S, prices=prices)
    if factor is None or factor.value is None:
        return ""
    if math.isinf(factor.value):
        return ", where random search never did on the same seeds"
    return f", {cells.number(factor.value)} times faster than random search{_range(factor, plain=True)}"


def _met(found: Reaching) -> str:
    return f"{found.reached} of its {counted(found.searches, 'search', 'searches')} got there."


def _on_test(group: Group) -> Iterator[str]:
    tuned = [row for row in group.rows if not row.is_untuned and row.test_f1.mean is not None]
    if not tuned:
        return
    best = max(tuned, key=lambda row: row.test_f1.mean or 0.0)
    gains = [(row, gain.estimate) for row in group.rows if not row.is_untuned and (gain := over_random(group, row))]
    over = "".join(f", {_signed(estimate)} against random search" for row, estimate in gains if row is best)
    mean = f"the highest mean {group.score} of the tuners, {best.test_f1.mean:.3f}"
    yield f"On the test images {_name(best)} has {mean}{over}."
    yield from _beyond_chance([(row, gain) for row, gain in gains if gain.n > 1], group.score)


def _beyond_chance(gains: Sequence[tuple[Row, Estimate]], score: str) -> Iterator[str]:
    clear = [(row, gain) for row, gain in gains if _excludes_zero(gain)]
    if gains and not clear:
        shown = f"in test {score} none is shown to be better or worse"
        yield f"Every tuner's interval over random search includes zero: {shown}."
    for row, gain in clear:
        yield f"{_name(row)} differs from random search on the same seeds by {_signed(gain)} in test {score}."
    if clear and len(gains) > 1:
        yield f"Of {len(gains)} such intervals {_by_chance(gains)}."


def _by_chance(gains: Sequence[tuple[Row, Estimate]]) -> str:
    if min(gain.n for _, gain in gains) >= FEW:
        return "one in twenty leaves out zero by chance alone"
    return f"more than one in twenty leave out zero by chance alone: over fewer than {FEW} seeds they are too narrow"


def _excludes_zero(gain: Estimate) -> bool:
    return gain.low is not None and gain.high is not None and (gain.low > 0 or gain.high < 0)


def _few(group: Group) -> Iterator[str]:
    fewest = min(len(row.ok) for row in group.rows if row.ok)
    if fewest < FEW:
        yield f"With {counted(fewest, 'seed')} nothing is proven; {FEW} or more are needed."


def _thinking(group: Group) -> Iterator[str]:
    shares = [(row, row.mean_cost(lambda cost: cost.thinking_share)) for row in group.rows]
    known = [(row, share) for row, share in shares if share is not None]
    notable = [(row, share) for row, share in known if share >= _NOTABLE_SHARE]
    for row, share in sorted(notable, key=lambda pair: -pair[1]):
        yield f"{_name(row)} spent {100 * share:.0f} % of its time thinking."
    if known and not notable:
        yield f"No tuner spent more than {max(100 * share for _, share in known):.1f} % of its time thinking."


def _against_default(group: Group) -> Iterator[str]:
    gains = [gain for row in group.rows if (gain := over_untuned(group, row)) is not None]
    if gains:
        worse, of = sum(gain.worse for gain in gains), sum(gain.estimate.n for gain in gains)
        searches = counted(of, "tuned search", "tuned searches")
        yield f"{worse} of {searches} ended below the untuned default on the test images."


def _bad(group: Group) -> Iterator[str]:
    for status in (Status.FAILED, Status.MISSING):
        count = sum(row.count(status) for row in group.rows)
        if count:
            of = len(group.searches)
            yield f"{count} of {counted(of, 'search', 'searches')} {_became(status, count)}; the reasons stand below."


def _became(status: Status, count: int) -> str:
    if status is Status.FAILED:
        return "failed"
    return "is missing" if count == 1 else "are missing"


def _difference(found: Comparison) -> str:
    median = found.median_difference
    by = "" if median is None or math.isinf(median) else f" by {median:+.3f} in the median"
    return (
        f"{found.first} against {found.second}: {found.wins} wins, {found.losses} losses, "
        f"{counted(found.ties, 'tie')}{by} (p = {found.p_holm:.2g})."
    )


def _signed(value: Estimate) -> str:
    return f"{value.value:+.3f}{_range(value)}"


def _range(value: Estimate, *, plain: bool = False) -> str:
    if value.low is None or value.high is None:
        return " (1 seed)"
    if plain:
        return f" [{_bound(value.low)}, {_bound(value.high)}]"
    return f" [{value.low:+.3f}, {value.high:+.3f}]"


def _bound(value: float) -> str:
    return "∞" if math.isinf(value) else cells.number(value)


def _name(row: Row) -> str:
    return f"{row.tuner} (no tuning)" if row.is_untuned else row.tuner
