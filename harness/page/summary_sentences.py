"""What a group's searches say, in plain words, and no more than they say.

A sentence that says one tuner does better, sooner or cheaper than another follows from a verdict
(``statistics.verdicts``), and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis import Group, Row, SearchResult, Status
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import (
    Answered,
    Comparison,
    Judged,
    Question,
    Verdict,
    comparisons,
    over_random,
    over_untuned,
    reaching,
)
from harness.analysis.statistics.interval_estimates import FEW
from harness.prices import Prices
from harness.reports import numerals, replayed_searches, tuner_advice
from harness.text_sanitising import counted

_NOTABLE_SHARE = 0.1
_MOST = 5


def sentences(group: Group, made: Judged, *, prices: Prices) -> list[str]:
    """Return what is known of a group: target, test score against random search, thinking, no tuning, failures.

    Where seeds are few, or no difference is beyond chance, it says so.
    """
    if not any(row.ok for row in group.rows):
        return [f"{_where(group)}no search has ended well, so nothing can be said.", *_bad(group)]
    answered = made.verdicts.within[group.name]
    return [
        *_to_target(group, prices),
        *_sooner(group, answered[Question.SOONER]),
        *_on_test(group, answered[Question.SCORE]),
        *_few(group),
        *replayed_searches.notes([group]),
        *_thinking(group),
        *_against_default(group),
        *_bad(group),
    ]


def overall(made: Judged, *, score: str) -> list[str]:
    """Return the advice and all that all groups together show of the tuners.

    ``score`` is what the score is called, as ``macro-F1``.
    """
    if made.verdicts.overall[Question.SCORE].found is None:
        return []
    return [
        *tuner_advice.sentences(made.answer, score),
        *_differences(made, score),
        *_against(made.verdicts.overall[Question.SOONER], made.answer.yardstick, *_SOONER),
        *_against(made.verdicts.overall[Question.COST], made.answer.yardstick, *_COST),
    ]


def ended(cells: Sequence[SearchResult], noun: str = "search", nouns: str = "searches") -> str:
    """Return how many of the cells ended how, as ``36 searches: 34 ok, 1 failed, 1 missing``."""
    counts = {status: sum(cell.status is status for cell in cells) for status in Status}
    found = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
    return f"{counted(len(cells), noun, nouns)}: {found}" if cells else f"no {noun} was planned"


def _where(group: Group) -> str:
    return f"On {group.name.dataset} with {group.name.backbone}, "


def _differences(made: Judged, score: str) -> Iterator[str]:
    clear = [each for each in comparisons(made.verdicts) if each.verdict is not Verdict.OPEN]
    if clear:
        clear.sort(key=lambda each: each.p or 0.0)
        shown = "; ".join(_difference(each) for each in clear[:_MOST])
        more = f"; and {len(clear) - _MOST} more" if len(clear) > _MOST else ""
        yield f"Shown to differ in test {score}, all pairs of tuners tested together: {shown}{more}."


def _difference(found: Comparison) -> str:
    first, second = found.first, found.second
    estimate = found.difference
    if found.verdict is Verdict.WORSE:
        first, second = second, first
        estimate = numerals.negative(estimate)
    return f"{first} over {second} by {numerals.signed_estimate(estimate)}"


_SOONER = ("have", "a good model sooner than {other}", "a good model later than {other}")
_COST = ("cost", "less than {other}", "more than {other}")


def _against(answered: Answered, yardstick: str | None, verb: str, better: str, worse: str) -> Iterator[str]:
    if yardstick is None:
        return
    for verdict, said in ((Verdict.BETTER, better), (Verdict.WORSE, worse)):
        names = [name for name in answered.seeds.tuners if answered.of(name, yardstick) is verdict]
        if names:
            yield f"Shown to {verb} {said.format(other=yardstick)}: {', '.join(names)}."


def _to_target(group: Group, prices: Prices) -> Iterator[str]:
    goal = group.target
    if goal is None:
        yield f"{_where(group)}no search has a score, so there is nothing to compare."
        return
    asked = [(row, reaching(group, row, axis=Axis.WALL_S, prices=prices)) for row in group.rows]
    met = ", ".join(f"{_name(row)} {found.reached} of {found.searches}" for row, found in asked if found is not None)
    yield f"{_where(group)}so many searches reached validation {group.score} {goal.score:.3f}, {goal.of}: {met}."


def _sooner(group: Group, answered: Answered) -> Iterator[str]:
    # Without a speed-up: that is of the time to one score, may be below 1 where this is true, and has no verdict on it.
    for row in group.rows:
        if group.random is not None and answered.of(row.tuner, group.random.tuner) is Verdict.BETTER:
            yield f"{_name(row)} has a good model sooner than {group.random.tuner}, as the area under its curve shows."


def _on_test(group: Group, answered: Answered) -> Iterator[str]:
    yardstick = group.random
    if yardstick is None or answered.found is None:
        return
    clear = False
    for row in group.rows:
        verdict, gain = answered.of(row.tuner, yardstick.tuner), over_random(group, row)
        if verdict is not Verdict.OPEN and gain is not None:
            clear = True
            by = numerals.signed_estimate(gain.estimate)
            than = f"{verdict.value} than {yardstick.tuner} on the same seeds"
            yield f"{_name(row)} is {than} by {by} in test {group.score}."
    if not clear:
        yield f"No tuner is shown to be better or worse than {yardstick.tuner} in test {group.score}."


def _few(group: Group) -> Iterator[str]:
    fewest = min(row.independent for row in group.rows if row.ok)
    if fewest < FEW:
        yield f"With {counted(fewest, 'seed')} only large differences can show; {FEW} or more are better."


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
        if replayed_searches.are_repeated(group):
            searches = f"{counted(of, 'mean', 'means')} of tuned searches on one recorded seed"
        yield (
            f"{worse} of {searches} ended below the untuned default on the test images; of searches that gained "
            "nothing, half would."
        )


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


def _name(row: Row) -> str:
    return f"{row.tuner} (no tuning)" if row.is_untuned else row.tuner
