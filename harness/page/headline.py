"""The page's first words: which tuner to use and which not, in a sentence or two, and what they rest on.

Each follows from the advice and from verdicts, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis import MatrixResults, Status
from harness.analysis.statistics import Advice, Answer, Ground, Judged, Question, Standing, Verdict
from harness.record_schema import DataTable
from harness.reports import numerals, replayed_searches, table_notes, tuner_advice
from harness.text_sanitising import counted


def sentences(made: Judged, *, score: str) -> list[str]:
    """Return the verdict in a sentence, what to use, and what to avoid; ``score`` is what the score is called."""
    found, given = made.answer, made.answer.advice
    if given.ground is Ground.NOTHING:
        return [f"Nothing to compare yet: it takes two tuners with two complete seeds, and there are {given.seeds}."]
    costs = {each.tuner: each.search_s for each in found.at_end(None)}
    use = _called(given.tuners, made)
    if given.ground is Ground.NONE:
        said = [_no_winner(made, score), f"Safe choice: {use} ({tuner_advice.costs(costs, given.tuners)})."]
    else:
        said = [_won(made, use, score), *_gains(found, given, score)]
    return [*said, *_avoid(made, score)]


def grounds(results: MatrixResults, made: Judged) -> list[tuple[str, str]]:
    """Return what the sentences rest on: pictures, searches, what so many seeds could have shown, replayed or not."""
    return [
        *((name, _images(facts[0])) for name, facts in table_notes.data_facts(results).items()),
        ("searches", _searches(results, made)),
        *_reach(made.answer.advice, results.score),
        ("no practical difference", f"up to {made.rope:g} in {results.score}, as the matrix declares"),
        *(("replayed", note) for note in replayed_searches.notes(made.groups)),
    ]


def _no_winner(made: Judged, score: str) -> str:
    tuners, seeds = len(made.verdicts.overall[Question.SCORE].seeds.tuners), made.answer.advice.seeds
    return f"No winner: {counted(tuners, 'tuner')}, {counted(seeds, 'seed')}, nothing beyond chance in test {score}."


def _won(made: Judged, use: str, score: str) -> str:
    answered = made.verdicts.overall[Question.SCORE]
    others = [name for name in answered.seeds.tuners if name not in answered.best]
    if len(answered.best) == 1 and all(answered.of(answered.best[0], other) is Verdict.BETTER for other in others):
        return f"Use {use}: shown to have a higher test {score} than each of the other {len(others)}."
    them = "it" if len(made.answer.advice.tuners) == 1 else "them"
    return f"Use {use}: no tuner is shown to beat {them} in test {score}, and none that is as good to cost less."


def _gains(found: Answer, given: Advice, score: str) -> Iterator[str]:
    standings = {each.tuner: each for each in found.at_end(None)}
    costs = {name: each.search_s for name, each in standings.items()}
    for each in (standings[name] for name in given.tuners):
        if each.verdict is Verdict.BETTER and each.over_random is not None:
            gained = numerals.signed_estimate(each.over_random)
            cost = tuner_advice.costs(costs, [each.tuner])
            yield f"{each.tuner} is better than {found.yardstick} by {gained} in test {score} ({cost})."


def _avoid(made: Judged, score: str) -> Iterator[str]:
    bad = [said for each in made.answer.at_end(None) if (said := _why_not(each, made, score)) is not None]
    if bad:
        yield f"Avoid {'; '.join(bad)}."


def _why_not(each: Standing, made: Judged, score: str) -> str | None:
    """Return a tuner with what it is shown to do worse than random search; None where that is nothing."""
    yardstick = made.answer.yardstick
    if yardstick is None or each.tuner in made.answer.advice.tuners:
        return None
    if each.verdict is Verdict.WORSE and each.over_random is not None:
        return f"{each.tuner}: {numerals.signed_estimate(each.over_random)} in test {score} over {yardstick}"
    costly = made.verdicts.overall[Question.COST].of(each.tuner, yardstick) is Verdict.WORSE
    if not costly or each.verdict is Verdict.BETTER:
        return None
    usual_s = {one.tuner: one.search_s for one in made.answer.at_end(None)}.get(yardstick)
    times = f"{numerals.number(each.search_s / usual_s)} times" if each.search_s and usual_s else "more than"
    return f"{each.tuner}: {times} the search seconds of {yardstick}"


def _called(tuners: tuple[str, ...], made: Judged) -> str:
    untuned = {row.tuner for group in made.groups for row in group.rows if row.is_untuned}
    return tuner_advice.named([f"{name} (no tuning)" if name in untuned else name for name in tuners])


def _images(facts: DataTable) -> str:
    images = sum(facts.per_class) if facts.images is None else facts.images
    left_out = len(facts.unreadable) + facts.duplicates + sum(map(len, facts.contradictions))
    told = f"{images:,} images, {counted(len(facts.per_class), 'class', 'classes')}"
    return f"{told}, {left_out:,} left out" if left_out else f"{told}, none left out"


def _searches(results: MatrixResults, made: Judged) -> str:
    ok = sum(search.status is Status.OK for search in results.searches)
    groups, seeds = len(made.groups), made.answer.advice.seeds
    return f"{ok:,} of {len(results.searches):,} ended well; {counted(seeds, 'seed')}, {counted(groups, 'group')}"


def _reach(given: Advice, score: str) -> Iterator[tuple[str, str]]:
    effect = given.smallest_effect
    if effect is not None:
        shown = "none, however large" if effect > 1 else f"{effect:.3f} in test {score}, four times in five"
        yield "smallest difference that could have shown", shown
