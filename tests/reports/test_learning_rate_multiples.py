from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.reports import learning_rate_multiples, rendering

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _retrained(made: Made, seed: int, *scores: float) -> None:
    rates = (1e-2, 1e-4, 1e-3)
    trials = [
        made.trial(number, score / 2, score, score, parameters={"learning_rate": rate})
        for number, (rate, score) in enumerate(zip(rates, scores, strict=True))
    ]
    made.search(trials, "check", seed, role="learning_rate", parent_group="g", group="h", hyperparameters="?")


def test_without_factors_the_table_says_so_in_one_line(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    text = rendering.markdown(learning_rate_multiples.report(made.results()))
    assert text.count("\n\n") == 1
    assert "asked for by any search that has ended (learning_rate_factors)" in text


def test_each_factor_is_a_row_over_seeds_in_order_of_the_rate(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    _retrained(made, 0, 0.3, 0.4, 0.6)
    _retrained(made, 1, 0.5, 0.4, 0.8)
    rows = learning_rate_multiples.report(made.results()).rows
    assert [(row["learning_rate"], row["factor"], row["seeds"]) for row in rows] == [
        (1e-4, 0.1, 2),
        (1e-3, 1.0, 2),
        (1e-2, 10.0, 2),
    ]
    assert [row["val_score"] for row in rows] == pytest.approx([0.4, 0.7, 0.4])
    assert [row["test_score"] for row in rows] == pytest.approx([0.3, 0.6, 0.3])


def test_rows_are_named_by_the_group_that_they_belong_to(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    _retrained(made, 0, 0.3, 0.4, 0.6)
    assert {row["hyperparameters"] for row in learning_rate_multiples.report(made.results()).rows} == {"lr"}


def test_a_training_without_a_score_is_noted_and_a_score_of_zero_counts(made: Made) -> None:
    trials = [
        made.trial(0, parameters={"learning_rate": 1e-2}),
        made.trial(1, 0.1, parameters={"learning_rate": 1e-3}),
    ]
    made.search(trials, "check", role="learning_rate", parent_group="g")
    report = learning_rate_multiples.report(made.results())
    assert [(row["val_score"], row["test_score"]) for row in report.rows] == [(0.1, 0.0), (None, None)]
    assert "1 trainings have no score" in rendering.markdown(report)


def test_failed_and_missing_retrainings_are_said(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    made.plan("check", role="learning_rate", parent_group="g")
    text = rendering.markdown(learning_rate_multiples.report(made.results()))
    assert "No retraining at other learning rates has a result." in text
    assert "Missing: 1 cell" in text


def test_a_group_that_asks_for_retrainings_and_has_none_is_named(made: Made) -> None:
    made.search([made.trial(0, 0.5)], cell={"protocol": {"learning_rate_factors": [0.1, 1.0]}}, status="failed")

    text = rendering.markdown(learning_rate_multiples.report(made.results()))

    assert "not retrained, as its searches are not done or none of them succeeded" in text
