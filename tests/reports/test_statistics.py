"""The tables of statistics: each shows what it rests on, and none falls over a matrix that is small, broken or odd."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from harness.analysis import MatrixResults
from harness.prices import Prices
from harness.reports import answer, anytime, importance, pairwise, profiles, ranks, rendering, to_target, tuning_gain
from harness.reports.report_types import Report

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

Make = Callable[[MatrixResults, Prices], Report]

MAKES: dict[str, Make] = {
    "to-target": lambda results, prices: to_target.report(results, prices=prices),
    "anytime": lambda results, prices: anytime.report(results, prices=prices),
    "tuning": lambda results, _: tuning_gain.report(results),
    "answer": lambda results, prices: answer.report(results, prices=prices),
    "ranks": lambda results, prices: ranks.report(results, prices=prices),
    "pairwise": lambda results, prices: pairwise.report(results, prices=prices),
    "profiles": lambda results, prices: profiles.report(results, prices=prices),
    "importance": lambda results, _: importance.report(results),
}
every_report = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


def _good(made: Made, seeds: int = 3, dataset: str = "animals") -> None:
    for seed in range(seeds):
        made.search([made.trial(0, 0.3 + 0.01 * seed)], "default", seed, kind="default", dataset=dataset)
        made.search([made.trial(0, 0.1, 0.5 + 0.01 * seed)], "random", seed, dataset=dataset)
        made.search([made.trial(0, 0.6 - 0.02 * seed, 0.2)], "Größe|_<b>", seed, kind="optuna-tpe", dataset=dataset)


def _rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(rendering.spreadsheet(report))))


def _text(report: Report) -> str:
    return rendering.markdown(report) + rendering.latex(report)


@every_report
def test_nothing_planned_is_a_report_that_says_so(made: Made, price_list: Prices, make: Make) -> None:
    report = make(made.results(), price_list)
    assert (list(report.sections), _rows(report)) == ([], [])
    assert report.empty in rendering.markdown(report)


@every_report
def test_its_rows_have_no_other_columns_than_its_heads(made: Made, price_list: Prices, make: Make) -> None:
    _good(made)
    report = make(made.results(), price_list)
    assert report.rows
    assert {name for row in report.rows for name in row} <= set(report.columns)


@every_report
def test_every_line_of_a_table_is_as_wide_as_its_head(made: Made, price_list: Prices, make: Make) -> None:
    _good(made)
    for section in make(made.results(), price_list).sections:
        assert {len(row) for row in section.rows} <= {len(section.columns)}


@every_report
def test_broken_single_and_odd_searches_are_survived(made: Made, price_list: Prices, make: Make) -> None:
    _good(made, seeds=1)
    made.search([], "broken", status="failed", reason="boom")
    made.search([made.trial(0, charged_epochs=1)], "unscored", kind="kt-bayesian")
    made.search([made.trial(0, 0.4, energy_j=None)], "alone", dataset="Füchse %", environment={"device": "Fake"})
    made.plan("late", seed=7)
    assert "nan" not in _text(make(made.results(), price_list))


@every_report
def test_all_tied_are_survived(made: Made, price_list: Prices, make: Make) -> None:
    for tuner in ("a", "b", "c"):
        for seed in range(2):
            made.search([made.trial(0, 0.5)], tuner, seed)
    assert "nan" not in _text(make(made.results(), price_list))


@every_report
def test_all_failed_are_named_with_their_reason(made: Made, price_list: Prices, make: Make) -> None:
    for tuner in ("a", "b"):
        made.search([], tuner, status="failed", reason="boom")
    assert "boom" in _text(make(made.results(), price_list))


@every_report
def test_few_seeds_are_said_in_words(made: Made, price_list: Prices, make: Make) -> None:
    _good(made)
    text = rendering.markdown(make(made.results(), price_list))
    assert any(
        words in text for words in ("prove little", "show only large differences", "four times in five", "are too few")
    )


def test_the_expected_cost_is_on_every_axis(made: Made, price_list: Prices) -> None:
    _good(made)
    found = {
        row["axis"]: row for row in _rows(MAKES["to-target"](made.results(), price_list)) if row["tuner"] == "random"
    }
    # What random search has after one of its two epochs is 0.1.
    assert found["epochs"]["expected"] == "1"
    assert found["epochs"]["expected_n"] == "3"
    assert set(found) == {"epochs", "wall_s", "device_s", "energy_j", "cost_usd"}


def test_a_never_is_no_number(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.1)], "default", seed, kind="default")
        made.search([made.trial(0, 0.5)], "random", seed)
    (section,) = MAKES["to-target"](made.results(), price_list).sections
    assert section.rows[0] == ["default", "0/3", "never", "never", "—"]


def test_the_target_is_told_in_a_sentence(made: Made, price_list: Prices) -> None:
    _good(made)
    (section,) = MAKES["to-target"](made.results(), price_list).sections
    assert section.notes == [
        "Target: validation F1 of at least 0.100, what 3 random searches have on average after half of their epochs."
    ]


def test_the_curve_is_read_at_parts_of_what_random_search_costs(made: Made, price_list: Prices) -> None:
    _good(made)
    rows = _rows(MAKES["anytime"](made.results(), price_list))
    found = [row for row in rows if (row["tuner"], row["axis"], row["score"]) == ("random", "epochs", "test_score")]
    assert [row["cost"] for row in found] == ["0.2", "0.5", "1", "2"]
    assert [row["mean_score"] for row in found] == ["", "", "0", "0.41"]
    assert found[-1]["mean_score_n"] == "3"


def test_tuning_without_a_default_is_said_to_prove_nothing(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "tpe", kind="optuna-tpe")
    (section,) = MAKES["tuning"](made.results(), price_list).sections
    assert "No default configuration was run: nothing says whether tuning pays." in section.notes
    assert "No random search was run: nothing says whether the tuners are clever." in section.notes


def _clear(made: Made, seeds: int = 5, dataset: str = "animals") -> None:
    """The default is far below two tuners that are alike."""
    for seed in range(seeds):
        made.search([made.trial(0, 0.3 + 0.02 * (seed % 3))], "default", seed, kind="default", dataset=dataset)
        made.search([made.trial(0, 0.6 + 0.02 * (seed % 2))], "random", seed, dataset=dataset)
        made.search([made.trial(0, 0.61 - 0.02 * (seed % 2))], "Größe|_<b>", seed, kind="optuna-tpe", dataset=dataset)


def test_tuners_that_cant_be_told_apart_share_a_letter(made: Made, price_list: Prices) -> None:
    _clear(made)
    (section,) = MAKES["ranks"](made.results(), price_list).sections
    assert [(row[0], row[1], row[3]) for row in section.rows] == [
        ("random", "0.508", "a"),
        ("Größe|_<b>", "0.502", "a"),
        ("default", "0.216", "—"),
    ]
    assert section.notes[0].startswith("Some tuners differ. So many seeds would have shown a difference of 0.0")


def test_what_the_importances_leave_out_is_counted_in_their_note(made: Made) -> None:
    made.protocol = {"epochs_per_trial": 3}
    made.search([made.trial(0, 0.5), made.trial(1, 0.5, first_epoch=2, parent=0)])
    report = importance.report(made.results())
    left = (
        "left out: 1 continued by a later trial, which counts for both, 1 ended before the last epoch of a full trial."
    )
    assert f"0 trials are too few; it takes 40; {left}" in rendering.markdown(report)
    assert {row["left_out"] for row in report.rows} == {2}


def test_where_no_two_are_shown_to_differ_all_share_one_letter(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        for place, tuner in enumerate("abc"):
            made.search([made.trial(0, 0.5 + 0.1 * ((seed + place) % 3))], tuner, seed)
    report = MAKES["ranks"](made.results(), price_list)
    (section,) = report.sections
    assert [row[3] for row in section.rows] == ["a", "a", "a"]
    assert section.notes[0].startswith("No two tuners are shown to differ.")
    assert {row["differ"] for row in report.rows} == {0}


def test_ranks_and_pairs_rest_on_seeds_and_not_on_groups_times_seeds(made: Made, price_list: Prices) -> None:
    for dataset in ("animals", "Füchse"):
        _clear(made, dataset=dataset)
    results = made.results()
    assert {row["seeds"] for row in MAKES["ranks"](results, price_list).rows} == {5}
    pairs = _rows(MAKES["pairwise"](results, price_list))
    assert {row["seeds"] for row in pairs} == {"5"}
    assert {sum(int(row[name]) for name in ("wins", "ties", "losses")) for row in pairs} == {5}


def test_a_word_of_a_pair_follows_from_its_corrected_p(made: Made, price_list: Prices) -> None:
    _clear(made)
    report = MAKES["pairwise"](made.results(), price_list)
    assert [(row["tuner"], row["against"], row["verdict"]) for row in report.rows] == [
        ("default", "random", "worse"),
        ("default", "Größe|_<b>", "worse"),
        ("random", "Größe|_<b>", "open"),
    ]
    assert [float(row["p"]) < 0.04 for row in _rows(report)] == [True, True, False]
    assert [row[-1] for row in report.sections[0].rows] == ["worse", "worse", "—"]


def test_a_failed_search_scores_nothing_and_a_missing_one_leaves_its_seed_out(made: Made, price_list: Prices) -> None:
    _clear(made, seeds=4)
    for tuner, kind in (("default", "default"), ("random", "kt-random")):
        made.search([made.trial(0, 0.6)], tuner, 4, kind=kind)
        made.search([made.trial(0, 0.6)], tuner, 5, kind=kind)
    made.search([], "Größe|_<b>", 4, kind="optuna-tpe", status="failed", reason="boom")
    made.plan("Größe|_<b>", 5)
    report = MAKES["pairwise"](made.results(), price_list)
    assert {row["seeds"] for row in report.rows} == {5}
    assert "Left out, as a search is missing or a value unknown: 1 of 6 seeds." in report.notes
    assert report.rows[2]["wins"] == 3


def test_one_tuner_has_neither_ranks_nor_pairs_and_that_is_said(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.5)], "alone", seed)
    results = made.results()
    assert "No ranks: fewer than two tuners." in MAKES["ranks"](results, price_list).notes
    assert [_rows(MAKES[name](results, price_list)) for name in ("pairwise", "ranks")] == [[], []]


def test_one_seed_has_no_ranks_and_pairs_without_a_p(made: Made, price_list: Prices) -> None:
    _clear(made, seeds=1)
    results = made.results()
    assert "No ranks: fewer than two complete seeds." in MAKES["ranks"](results, price_list).notes
    assert {(row["p"], row["verdict"]) for row in MAKES["pairwise"](results, price_list).rows} == {(None, "open")}
