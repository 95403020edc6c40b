from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from harness.analysis.best_configurations import winners
from harness.cells import Cell
from harness.record_schema import DataTable, Measured
from harness.reports import model_card

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

REPEATED = Measured(val_score=0.9, test_score=0.8, saved_test_score=0.8)
DATA = DataTable(train=60, validation=20, test=20, classes=["cat", "dog"], per_class=[50, 50])


def text(made: Made, cell: Cell, measured: Measured = REPEATED, data: DataTable = DATA) -> str:
    (winner,) = winners(made.results())
    return model_card.text(winner, cell, measured, data, matrix="größe 1", date=dt.date(2026, 11, 27))


@pytest.fixture
def found(made: Made) -> Made:
    made.protocol = {"metric": "accuracy"}
    made.search([made.trial(0, 0.5), made.trial(1, 0.6, 0.9)], "tpe", 4, kind="optuna-tpe")
    return made


def test_a_card_says_what_the_model_is_and_where_it_is_from(found: Made, cell: Cell) -> None:
    shown = text(found, cell)

    rows = {row.split("|")[1].strip(): row.split("|")[2].strip() for row in shown.splitlines() if row.count("|") == 3}
    assert rows["matrix"] == "größe 1"
    assert rows["data set"] == f"digits (digits), content {'a' * 64}"
    assert rows["images"] == "60 train, 20 validation, 20 test"
    assert rows["backbone"] == "MobileNetV2, trained: head"
    assert rows["found by"] == "tpe, seed 4, trial 1, epoch 2 (cell 0000000000000000)"
    assert rows["validation accuracy of the trial"] == "0.900"
    assert rows["test accuracy of this file, measured anew"] == "0.800"
    assert rows["test accuracy of all searches by tpe"] == "0.800 (1 seed)"
    assert rows["learning_rate"] == "0.002"
    assert "2026-11-27" in rows["made by"]
    assert "resize((32, 32)" in shown


def test_a_model_that_repeated_its_trial_has_no_note_on_it(found: Made, cell: Cell) -> None:
    assert "did not repeat" not in text(found, cell)


def test_a_model_that_did_not_repeat_its_trial_says_so(found: Made, cell: Cell) -> None:
    shown = text(found, cell, Measured(val_score=0.85, test_score=0.8, saved_test_score=0.79))

    assert "Trained again it did not repeat exactly (validation accuracy 0.850, test accuracy 0.800)" in shown
    assert "| 0.790" in shown


def test_several_seeds_have_an_interval(found: Made, cell: Cell) -> None:
    found.search([found.trial(0, 0.7)], "tpe", 5, kind="optuna-tpe")

    assert "0.700 [−0.571, 1.971] (2 seeds)" in text(found, cell)


def test_names_that_are_markup_stay_what_they_are(made: Made, cell: Cell) -> None:
    made.search([made.trial(0, 0.9)], dataset="*birds* | `x`")

    assert r"# \*birds\* \| \`x\`, mobile, lr" in text(made, cell)


def test_facts_that_are_unknown_are_a_dash(found: Made, cell: Cell) -> None:
    assert "| images " in text(found, cell, data=DataTable())
    assert "— " in text(found, cell, data=DataTable())
