from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.analysis.best_configurations import winners
from harness.prices import Prices
from harness.reports import best
from harness.reports.report_types import Report

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def report(made: Made, price_list: Prices, *, tuner: str | None = None) -> Report:
    results = made.results()
    return best.report(results, winners(results, tuner=tuner), prices=price_list)


def test_a_group_shows_its_hyperparameters_what_found_them_and_what_to_expect(made: Made, price_list: Prices) -> None:
    made.protocol = {"metric": "accuracy"}
    made.search([made.trial(0, 0.5), made.trial(1, 0.6, 0.9)], "tpe", 4, kind="optuna-tpe")
    made.search([made.trial(0, 0.7)], "tpe", 5, kind="optuna-tpe")

    (section,) = report(made, price_list).sections

    assert section.heading == "animals, mobile, lr"
    assert section.rows == [["learning_rate", "0.002"], ["optimizer", "adam"]]
    found, scores, expected = section.notes
    # A trial of n epochs takes 1 + 3n + 0.5 s, and 0.5 s follow the last.
    assert found.startswith("Found by tpe on seed 4, in trial 1, epoch 2; the search took 12.5 s and ")
    assert scores == "Validation accuracy 0.900, by which it was chosen; test accuracy 0.800."
    assert expected.startswith(
        "Expect of a search by tpe a test accuracy of 0.700 in the mean, [−0.571, 1.971] at 95 %"
    )


def test_one_seed_has_no_interval_and_says_so(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])

    made_report = report(made, price_list)

    assert (
        "random has one search with a test F1, so nothing tells how much of it is luck"
        in made_report.sections[0].notes[2]
    )
    row = made_report.rows[0]
    assert (row["tuner_test_score"], row["tuner_test_score_low"], row["tuner_test_score_n"]) == (0.4, None, 1)


def test_a_test_score_that_is_unknown_is_a_dash_and_is_nothing_to_expect(made: Made, price_list: Prices) -> None:
    trial = made.trial(0, 0.5)
    made.search([replace(trial, epochs=tuple(replace(epoch, test_score=None) for epoch in trial.epochs))])

    made_report = report(made, price_list)

    _, scores, expected = made_report.sections[0].notes
    assert scores.endswith("test F1 —.")
    assert expected == "What random reaches over seeds is unknown: none of its searches has a test F1."
    assert made_report.rows[0]["test_score"] is None


def test_a_machine_without_a_price_has_unknown_dollars_and_a_reason(made: Made, price_list: Prices) -> None:
    odd = {"device": "GPU of a kind that nobody sells", "logical_cpus": 3}
    made.search([made.trial(0, 0.5)], environment=odd)

    made_report = report(made, price_list)

    assert made_report.rows[0]["usd"] is None
    assert "and — USD" in made_report.sections[0].notes[0]
    assert [note for note in made_report.notes if note.startswith("Cost unknown: ")]


def test_a_group_without_a_winner_says_how_its_searches_ended(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.9)], "random", 0, status="failed", reason="boom")
    made.search([made.trial(0)], "random", 1)
    made.plan("random", 2)

    made_report = report(made, price_list)

    (section,) = made_report.sections
    assert section.rows == []
    assert section.notes == ["No best configuration: of 3 searches 1 failed, 1 missing, 1 ended without a score."]
    assert not any(note.startswith("Chosen by") for note in made_report.notes)
    row = made_report.rows[0]
    assert (row["tuner"], row["val_score"], row["searches_failed"], row["searches_missing"]) == (None, None, 1, 1)


def test_failed_and_missing_searches_are_counted_beneath_a_winner(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    made.search([], "tpe", 0, kind="optuna-tpe", status="failed", reason="boom")
    made.plan("random", 1)

    found = report(made, price_list).notes

    assert "Failed: 1 cell (animals, mobile, lr, tpe, seed 0): boom." in found
    assert "Missing: 1 cell (animals, mobile, lr, random, seed 1): not run yet." in found


def test_searches_of_other_tuners_are_no_business_of_one_tuners_best(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    made.search([], "tpe", 0, kind="optuna-tpe", status="failed", reason="boom")
    made.search([made.trial(0, 0.7)], "tpe", 0, kind="optuna-tpe", dataset="plants")

    made_report = report(made, price_list, tuner="random")

    assert not any("boom" in note for note in made_report.notes)
    assert made_report.sections[1].notes == ["No search of that tuner was planned here."]


def test_a_column_stands_for_each_hyperparameter_of_any_group(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, parameters={"learning_rate": 0.5})])
    made.search([made.trial(0, 0.5, parameters={"größe": "50 %"})], dataset="Vögel 鳥")

    made_report = report(made, price_list)

    assert list(made_report.columns)[-2:] == ["params_learning_rate", "params_größe"]
    assert [row.get("params_größe") for row in made_report.rows] == [None, "50 %"]
    assert made_report.sections[1].heading == "Vögel 鳥, mobile, lr"


def test_seconds_of_a_busy_machine_are_named(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], busyness={"others_share": {"value": 0.5, "reason": None}})

    assert any(note.startswith("Seconds not to be trusted: 1 search") for note in report(made, price_list).notes)


def test_of_nothing_planned_a_line_says_so(made: Made, price_list: Prices) -> None:
    made_report = report(made, price_list)

    assert (list(made_report.sections), made_report.empty) == ([], "No searches were planned.")
