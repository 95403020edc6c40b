"""The advice in words: sentences follow from verdicts, and claim nothing beyond them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.statistics import Advice, Answer, Ground, Standing, Verdict
from harness.reports import numerals
from harness.text_sanitising import counted


def sentences(found: Answer, score: str) -> list[str]:
    """Return what to use and why, what it gains and costs, and what so many seeds could have shown."""
    return [*_use(found, score), *_reach(found.advice, score)]


def named(tuners: Sequence[str]) -> str:
    """Return names as ``a``, ``a or b``, ``a, b or c``."""
    *most, last = tuners
    return f"{', '.join(most)} or {last}" if most else last


def costs(search_s: Mapping[str, float | None], tuners: Sequence[str]) -> str:
    """Return what a search of these tuners costs, as ``1.83 s a search`` or ``1.83 to 2.25 s a search``."""
    known = [cost for name in tuners if (cost := search_s.get(name)) is not None]
    if not known:
        return "at an unknown cost"
    low, high = numerals.number(min(known)), numerals.number(max(known))
    return f"{low} s a search" if low == high else f"{low} to {high} s a search"


def _use(found: Answer, score: str) -> Iterator[str]:
    given = found.advice
    if given.ground is Ground.NOTHING:
        yield f"Nothing can be advised: it takes two tuners and two complete seeds, and there are {given.seeds}."
        return
    standings = {each.tuner: each for each in found.at_end(None)}
    known = {name: each.search_s for name, each in standings.items()}
    if given.ground is Ground.NONE:
        least = "what costs least:" if len(given.tuners) == 1 else "what costs least, as far as costs are told apart:"
        yield (
            f"No tuner is shown to reach a higher test {score} than another. Then use {least} "
            f"{named(given.tuners)} ({costs(known, given.tuners)})."
        )
        yield from _equivalent(found, score)
        return
    yield (
        f"Use {named(given.tuners)} ({costs(known, given.tuners)}): none is shown to be better in test {score}, "
        f"and none that is as good to cost less."
    )
    for tuner in given.tuners:
        yield from _gain(standings[tuner], found, score)


def _gain(each: Standing, found: Answer, score: str) -> Iterator[str]:
    if each.verdict is Verdict.BETTER and each.over_random is not None:
        gained = numerals.signed_estimate(each.over_random)
        yield f"{each.tuner} is better than {found.yardstick} by {gained} in test {score}."


def _equivalent(found: Answer, score: str) -> Iterator[str]:
    if found.advice.equivalent:
        yield (
            f"Practically equivalent to {found.yardstick}, within {found.rope:g} of test {score} with a probability of "
            f"95 % or more: {', '.join(found.advice.equivalent)}."
        )


def _reach(given: Advice, score: str) -> Iterator[str]:
    if given.smallest_effect is not None and given.smallest_effect > 1:
        yield f"{counted(given.seeds, 'seed')} can show no difference in test {score}, however large: run more."
    elif given.smallest_effect is not None:
        yield (
            f"{counted(given.seeds, 'seed')} would have shown a difference of {given.smallest_effect:.3f} in test "
            f"{score} four times in five; smaller ones stay unseen."
        )
