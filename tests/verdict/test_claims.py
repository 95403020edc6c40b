"""The short form of `make bench-verdict`: what is said of tuners of which the truth is known, drawn by chance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.verdict import claims, drawn
from benchmarks.verdict.claims import PRICES
from benchmarks.verdict.drawn import World
from harness.analysis import MatrixResults, groups
from harness.analysis.statistics import Judged, Question, judged, verdicts
from harness.page import headline, summary_sentences

# Each takes seconds of simulation; what verdicts, tables and page say of given results, their own tests show quickly.
pytestmark = pytest.mark.slow

FALSE = 0.05
"""The chance of any false claim that all questions together may have."""

ALIKE = {
    "3 seeds": World(seeds=3),
    "10 seeds": World(seeds=10),
    "3 seeds, shared": World(seeds=3, shared=True),
    "10 seeds, shared": World(seeds=10, shared=True),
    "5 seeds, skewed": World(seeds=5, skewed=True),
    "40 searches on 5 recorded seeds": World(groups=1, tuners=4, seeds=40, recorded=5),
}

# Whatever puts one tuner before another, in the words of today and of earlier pages.
_CLAIM = re.compile(
    r"\bis (better|worse) than\b|\bhas a good model sooner\b|\bShown to\b|^Use |^Avoid |\bdiffers? from random search\b"
    r"|\bbest of\b|\btimes (faster|slower)\b|\bas fast as\b|\bin an expected\b"
)
# No other words may: these sentences hold one and compare no two tuners.
_NEUTRAL = re.compile(
    r"^(No tuner is shown to |Practically equivalent to |With \d+ seeds only large differences can show; "
    r"|\d+ seeds would have shown |No tuner spent more than )"
)
_COMPARING = re.compile(
    r"\b(better|worse|best|worst|sooner|later|faster|slower|quicker|cheaper|dearer|higher|lower|less|more|fewer"
    r"|differs?|beats?|over \w+ by)\b"
)


def _result(world: World, seed: int) -> MatrixResults:
    return drawn.results(world, np.random.default_rng(seed))


def _sentences(made: Judged) -> list[str]:
    within = [said for group in made.groups for said in summary_sentences.sentences(group, made, prices=PRICES)]
    first = headline.sentences(made, score="macro-F1")
    return [*first, *summary_sentences.overall(made, score="macro-F1"), *within]


def _most(chance: float, times: int) -> int:
    """Return how often what has this ``chance`` happens at most, but once in ten thousand such tests."""
    return int(stats.binom.isf(1e-4, times, chance))


def test_of_tuners_that_are_alike_a_difference_is_claimed_in_one_result_of_twenty_at_most() -> None:
    times = 12
    claimed = [
        title
        for title, world in ALIKE.items()
        for seed in range(times)
        if verdicts(groups(_result(world, seed)), prices=PRICES).claims
    ]
    assert len(claimed) <= _most(FALSE, times * len(ALIKE)), claimed


def test_searches_on_recorded_seeds_that_are_taken_for_independent_would_be_claimed_to_differ() -> None:
    times, world = 20, replace(ALIKE["40 searches on 5 recorded seeds"], is_told=False)
    claimed = sum(verdicts(groups(_result(world, seed)), prices=PRICES).claims > 0 for seed in range(times))
    assert claimed > _most(FALSE, times)


@pytest.mark.parametrize(("times", "most"), [(12, 3), (40, 5)])
def test_sentences_of_the_page_seldom_put_one_of_six_copies_of_a_tuner_before_another(times: int, most: int) -> None:
    # Intervals of each tuner for itself, mean ranks and speed-ups made such a sentence in nine results of ten.
    held = [
        [said for said in _sentences(judged(_result(World(seeds=3), seed), prices=PRICES)) if _CLAIM.search(said)]
        for seed in range(100, 100 + times)
    ]
    assert sum(1 for each in held if each) <= most, [each for each in held if each]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("effect", [0.0, 0.04])
def test_tables_and_page_claim_what_the_verdicts_do_and_nothing_else(effect: float, seed: int) -> None:
    # Three seeds seldom show anything, five show +0.04 of some.
    found = claims.judge(World(seeds=5 if effect else 3, effect=effect), seed, whole=True)
    assert found.told == found.claimed


@pytest.mark.parametrize("seed", range(3))
def test_a_tuner_that_is_better_by_four_hundredths_is_found_with_ten_seeds(seed: int) -> None:
    found = claims.judge(World(effect=0.04), seed, whole=False)
    assert found.better
    assert found.better_than_random


@pytest.mark.parametrize(
    ("world", "seed"),
    [
        *((World(seeds=3), seed) for seed in range(4)),
        *((World(seeds=5, effect=0.04), seed) for seed in range(4)),
        *((World(seeds=10, effect=-0.06), seed) for seed in range(2)),
        (World(seeds=10, groups=1, tuners=2, effect=0.1), 0),
    ],
)
def test_a_sentence_that_puts_one_tuner_before_another_has_a_verdict_behind_it(world: World, seed: int) -> None:
    made = judged(_result(world, seed), prices=PRICES)
    told = set(_told_over_all(made)) | set(_told_within(made))
    claimed = {
        (scope, question, pair)
        for scope, answered in (("all", made.verdicts.overall), *made.verdicts.within.items())
        for question, each in answered.items()
        for pair in each.better
    }
    assert told <= claimed
    for said in _sentences(made):
        assert _CLAIM.search(said) or _NEUTRAL.search(said) or not _COMPARING.search(said), said


_Told = tuple[object, Question, tuple[str, str]]


def _told_over_all(made: Judged) -> Iterator[_Told]:
    """Yield each pair (better, worse) that a sentence on all groups names, with its question."""
    for said in summary_sentences.overall(made, score="macro-F1"):
        for one, other in re.findall(r"([\w -]+?) over ([\w -]+?) by [+−]", said):
            yield "all", Question.SCORE, (one.strip(), other)
        for one, other in re.findall(r"^([\w -]+?) is better than ([\w -]+?) by", said):
            yield "all", Question.SCORE, (one, other)
        for question, ahead, behind in (
            (Question.SOONER, "a good model sooner than", "a good model later than"),
            (Question.COST, "less than", "more than"),
        ):
            for words, other, names in re.findall(rf"Shown to \w+ ({ahead}|{behind}) ([\w -]+): (.*)\.", said):
                for name in names.split(", "):
                    yield "all", question, (name, other) if words == ahead else (other, name)


def _told_within(made: Judged) -> Iterator[_Told]:
    for group in made.groups:
        for said in summary_sentences.sentences(group, made, prices=PRICES):
            for one, words, other in re.findall(r"^([\w -]+?) is (better|worse) than ([\w -]+?) on the same", said):
                yield group.name, Question.SCORE, (one, other) if words == "better" else (other, one)
            for one, other in re.findall(r"^([\w -]+?) has a good model sooner than ([\w -]+?),", said):
                yield group.name, Question.SOONER, (one, other)


def test_the_sentences_are_read_at_all() -> None:
    made = judged(_result(World(effect=0.04), 0), prices=PRICES)
    assert ("all", Question.SCORE, ("tuner 5", "kt-random")) in set(_told_over_all(made))
    within = set(_told_within(made))
    assert {question for _, question, _ in within} == {Question.SCORE, Question.SOONER}


@pytest.mark.parametrize("title", ALIKE)
def test_of_many_results_of_tuners_that_are_alike_no_more_are_claimed_of_than_chance_may(title: str) -> None:
    times = 200
    claimed = sum(verdicts(groups(_result(ALIKE[title], seed)), prices=PRICES).claims > 0 for seed in range(times))
    assert claimed <= _most(FALSE, times)
