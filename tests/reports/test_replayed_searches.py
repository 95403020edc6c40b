"""Searches replayed on recorded seeds that are used again: what tables say, and that none is surer for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness import analysis
from harness.analysis import MatrixResults
from harness.carbon import load as carbon_load
from harness.prices import Prices
from harness.reports import answer, anytime, efficiency, pairwise, ranks, replayed_searches, to_target, tuning_gain
from harness.reports.report_types import CsvValue, Report
from tests.analysis.conftest import Made

SCORES = {1: 0.50, 2: 0.56, 3: 0.52, 4: 0.61}
"""What a trial scores on each recorded seed."""

COUNTS = (
    *("seeds_ok", "target_of", "target_searches", "target_reached", "reached", "searches", "overtuned"),
    *("searches_running",),
)
"""What there is more of where there are more searches."""

MAKES: Mapping[str, Callable[[MatrixResults, Prices], Report]] = {
    "efficiency": lambda results, prices: efficiency.report(results, prices=prices, carbon=carbon_load()),
    "answer": lambda results, prices: answer.report(results, prices=prices),
    "to-target": lambda results, prices: to_target.report(results, prices=prices),
    "anytime": lambda results, prices: anytime.report(results, prices=prices),
    "tuning": lambda results, _: tuning_gain.report(results),
    "ranks": lambda results, prices: ranks.report(results, prices=prices),
    "pairwise": lambda results, prices: pairwise.report(results, prices=prices),
}


def _searched(folder: Path, *, times: int) -> MatrixResults:
    """Return three tuners' searches, each recorded seed searched so many times with the same outcome."""
    made = Made(folder)
    for seed in range(1, len(SCORES) * times + 1):
        recorded = 1 + (seed - 1) % len(SCORES)
        score = SCORES[recorded]
        unlike = 0.02 * math.sin(recorded)
        made.search([made.trial(0, score - 0.1)], "default", seed, kind="default", recorded=recorded)
        made.search([made.trial(0, score, score - 0.1), made.trial(1, 0.4)], "random", seed, recorded=recorded)
        tried = [made.trial(0, 0.3), made.trial(1, score + 0.02 + unlike)]
        made.search(tried, "tpe", seed, kind="optuna-tpe", recorded=recorded)
    return made.results()


@pytest.fixture(scope="module")
def once_and_often(tmp_path_factory: pytest.TempPathFactory) -> tuple[MatrixResults, MatrixResults]:
    folder = tmp_path_factory.mktemp("replayed")
    return _searched(folder / "once", times=1), _searched(folder / "often", times=3)


def _told(report: Report) -> list[dict[str, object]]:
    return [{name: _close(value) for name, value in row.items() if _is_mean(name)} for row in report.rows]


def _close(value: CsvValue) -> object:
    """Return what is equal to a number that differs in its last bits, as sums in another order do."""
    return pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value


def _is_mean(column: str) -> bool:
    # The quarters that an interquartile mean leaves out are rounded to whole searches.
    return column not in COUNTS and not column.startswith("iqm_")


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_searches_that_repeat_recorded_seeds_make_no_table_surer(
    once_and_often: tuple[MatrixResults, MatrixResults],
    price_list: Prices,
    make: Callable[[MatrixResults, Prices], Report],
) -> None:
    once, often = (make(results, price_list) for results in once_and_often)
    assert once.rows
    assert [{name: row[name] for name in row if _is_mean(name)} for row in once.rows] == _told(often)


def test_the_interquartile_mean_s_interval_is_over_recorded_seeds(
    once_and_often: tuple[MatrixResults, MatrixResults], price_list: Prices
) -> None:
    report = answer.report(once_and_often[1], prices=price_list)
    assert {row["iqm_test_score_n"] for row in report.rows} == {len(SCORES)}


def test_the_note_says_how_many_searches_on_how_many_recorded_seeds(
    once_and_often: tuple[MatrixResults, MatrixResults],
) -> None:
    (note,) = replayed_searches.notes(analysis.groups(once_and_often[1]))
    assert note == (
        "Replayed on recorded curves of 4 seeds, not trained anew: 12 searches per row, 3 on each. A tuner's searches "
        "on one recorded seed are averaged first; intervals and verdicts are over recorded seeds."
    )


def test_where_no_seed_is_used_again_the_note_says_no_more_than_that_searches_are_replayed(
    once_and_often: tuple[MatrixResults, MatrixResults],
) -> None:
    found = analysis.groups(once_and_often[0])
    assert replayed_searches.notes(found) == ["Replayed on recorded curves of 4 seeds, not trained anew."]


def test_unequal_numbers_are_told(made: Made) -> None:
    for seed in range(1, 6):
        made.search([made.trial(0, 0.5)], "random", seed, recorded=1 + seed % 2)
    made.search([], "tpe", 1, recorded=2, status="failed", reason="boom")
    (note,) = replayed_searches.notes(analysis.groups(made.results()))
    assert ": 0 to 5 searches per row, 2 to 3 on each." in note


def test_of_searches_that_trained_nothing_is_said(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "random", 1)
    assert replayed_searches.notes(analysis.groups(made.results())) == []
