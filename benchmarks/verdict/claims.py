"""Judge what tables, plots and page say of tuners, on results drawn by chance of which the truth is known.

    make bench-verdict

How often anything is claimed of tuners that are all alike, how often a tuner that is better is found, and how often
intervals hold the truth.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.verdict import drawn
from benchmarks.verdict.drawn import World
from harness import carbon, prices
from harness.analysis import MatrixResults, groups
from harness.analysis.statistics import Question, judged, over_random, verdicts
from harness.page import headline, summary_sentences
from harness.reports import made as reports_made

PRICES = prices.load()

# What a sentence says that names a tuner better, worse, sooner or cheaper than another.
CLAIM = re.compile(
    r"\b(is (better|worse) than|has a good model sooner than|[Ss]hown to (differ|have|cost)|^Use |^Avoid )"
)
EFFECT = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found in one drawn result."""

    claimed: bool
    """Whether any difference is claimed anywhere."""
    told: bool
    """Whether a sentence of the page or a word in a table claims one; as ``claimed`` where these weren't made."""
    better: bool
    """Whether the last tuner is claimed to score higher than any other."""
    better_than_random: bool
    """Whether it is claimed to score higher than random search."""
    means_held: float
    """The share of intervals of a mean test score that hold its true value."""
    gains_held: float
    """The share of intervals over random search that hold the true difference."""


def judge(world: World, seed: int, *, whole: bool) -> Judged:
    """Draw one result and judge it; ``whole``: by every table and sentence, too."""
    results = drawn.results(world, np.random.default_rng(seed))
    found = groups(results)
    said = verdicts(found, prices=PRICES)
    last, first = world.names[-1], world.names[0]
    better = said.overall[Question.SCORE].better
    means, gains = Counter[bool](), Counter[bool]()
    for group in found:
        for row in group.rows:
            effect = world.effect if row.tuner == last else 0.0
            means[_holds(row.test_score.low, row.test_score.high, world.mean + effect)] += 1
            gain = over_random(group, row)
            if gain is not None:
                gains[_holds(gain.estimate.low, gain.estimate.high, effect)] += 1
    claimed = said.claims > 0
    return Judged(
        claimed=claimed,
        told=any(claims_of(results)) if whole else claimed,
        better=any(pair[0] == last for pair in better),
        better_than_random=(last, first) in better,
        means_held=means[True] / means.total(),
        gains_held=gains[True] / gains.total(),
    )


def claims_of(results: MatrixResults) -> Iterator[str]:
    """Yield whatever the page's sentences and the tables claim."""
    made = judged(results, prices=PRICES)
    sentences = [
        *headline.sentences(made, score="macro-F1"),
        *summary_sentences.overall(made, score="macro-F1"),
    ]
    for group in made.groups:
        sentences += summary_sentences.sentences(group, made, prices=PRICES)
    yield from (sentence for sentence in sentences if CLAIM.search(sentence))
    for report in reports_made(results, prices=PRICES, carbon=carbon.load()):
        for row in report.rows:
            if row.get("verdict") in {"better", "worse"} or row.get("differ") == 1:
                yield f"{report.name}: {row}"


def _holds(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low <= truth <= high


ALIKE: Mapping[str, World] = {
    f"{groups_} groups × {tuners} tuners, {seeds} seeds{', proposals shared' if shared else ''}"
    f"{', skewed' if skewed else ''}": World(groups=groups_, tuners=tuners, seeds=seeds, shared=shared, skewed=skewed)
    for skewed, (groups_, tuners), shared, seeds in product((False, True), ((2, 6), (4, 13)), (False, True), (3, 5, 10))
}
UNEVEN: Mapping[str, World] = {
    f"2 groups × 6 tuners, {seeds} seeds, one tuner scatters {scatter:g} times as much": World(
        seeds=seeds, scatter=scatter
    )
    for scatter in (2.0, 3.0)
    for seeds in (3, 5, 10)
}
REPLAYED: Mapping[str, World] = {
    f"{seeds} searches on {recorded} recorded seeds{title}": World(seeds=seeds, recorded=recorded, **changes)
    for seeds, recorded, title, changes in (
        (100, 10, "", {}),
        (100, 20, "", {}),
        (25, 10, "", {}),
        (100, 10, ", of which they share 90 %", {"recorded_share": 0.9}),
        (100, 10, ", skewed", {"skewed": True}),
        (100, 10, ", taken for independent", {"is_told": False}),
        (100, 20, ", taken for independent", {"is_told": False}),
    )
}
"""All but the last two are within bounds; these show what comes of it where no record tells the recorded seed."""
PLANTED: Mapping[str, World] = (
    {
        f"+{effect:g}, {seeds} seeds, {groups_} groups, {tuners} tuners": World(
            groups=groups_, tuners=tuners, seeds=seeds, effect=effect
        )
        for tuners, effect, groups_, seeds in product((6,), (0.01, EFFECT, 0.04), (1, 2, 4), (3, 5, 10))
    }
    | {
        f"+{EFFECT:g}, 10 seeds, {groups_} groups, 13 tuners": World(groups=groups_, tuners=13, effect=EFFECT)
        for groups_ in (2, 4)
    }
    | {
        f"+0.01, 100 searches on {recorded} recorded seeds": World(seeds=100, recorded=recorded, effect=0.01)
        for recorded in (10, 20)
    }
)


def run(world: World, *, repetitions: int, whole: int) -> list[Judged]:
    """Judge so many results of one world, of which the first ``whole`` by every table and sentence."""
    return [judge(world, seed, whole=seed < whole) for seed in range(repetitions)]


def share(values: Sequence[float]) -> str:
    return f"{100 * sum(values) / len(values):.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--whole", type=int, default=20, help="of so many the whole page and all tables are made")
    parser.add_argument("--only", default="", help="a part of the worlds' names")
    given = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        print(
            "| tuners that are alike | any difference claimed | intervals of means, of gains that hold |\n|---|---|---|"
        )
        for title, judged_ in _each(pool, {**ALIKE, **UNEVEN, **REPLAYED}, given):
            _refuse_contradictions(title, judged_)
            held = f"{share([j.means_held for j in judged_])}, {share([j.gains_held for j in judged_])}"
            print(f"| {title} | {share([j.claimed for j in judged_])} | {held} |", flush=True)
        print("\n| a tuner that is better | called better than some other | than random search |\n|---|---|---|")
        for title, judged_ in _each(pool, PLANTED, given):
            _refuse_contradictions(title, judged_)
            found = f"{share([j.better for j in judged_])} | {share([j.better_than_random for j in judged_])}"
            print(f"| {title} | {found} |", flush=True)


def _each(
    pool: ProcessPoolExecutor, worlds: Mapping[str, World], given: argparse.Namespace
) -> Iterator[tuple[str, list[Judged]]]:
    chosen = {title: world for title, world in worlds.items() if given.only in title}
    asked = [pool.submit(run, world, repetitions=given.repetitions, whole=given.whole) for world in chosen.values()]
    yield from zip(chosen, (future.result() for future in asked), strict=True)


def _refuse_contradictions(title: str, found: Sequence[Judged]) -> None:
    """Stop where a table or sentence claims what no verdict does, or tells none of what one does."""
    apart = sum(each.told != each.claimed for each in found)
    if apart:
        raise SystemExit(f"{title}: in {apart} results tables and page say other than the verdicts")


if __name__ == "__main__":
    main()
