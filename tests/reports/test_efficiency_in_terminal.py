from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness import carbon, reports
from harness.analysis import MatrixResults
from harness.prices import Prices
from harness.reports.report_types import Report

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

INTENSITY = carbon.load()


def shown(results: MatrixResults, price_list: Prices) -> Report:
    return reports.rendered(reports.made(results, prices=price_list, carbon=INTENSITY)).shown


def test_a_terminal_shows_every_row_and_first_what_is_missing(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "untuned", kind="default")
    made.plan("random")

    report = shown(made.results(), price_list)

    (table,) = report.sections
    assert [row[:2] for row in table.rows] == [["untuned", "1"], ["random", "0 (1 missing)"]]
    assert "not run yet" in report.notes[0]
    assert "Seeds per row: 0 to 1. Fewer than 10 seeds prove little." in report.notes[:2]
    assert any(note.startswith("Holds for: device cpu") for note in report.notes)
    assert len(set(report.notes)) == len(report.notes)


def test_a_narrow_terminal_may_leave_out_any_column_but_what_the_answer_is(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "untuned", kind="default")

    (table,) = shown(made.results(), price_list).sections

    kept = [column for column in table.columns if column not in table.optional]
    assert kept == ["tuner", "seeds", "test F1", "over random", "verdict", "search s"]
    assert set(table.optional) <= set(table.columns)


def test_what_programs_are_told_is_there_too(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "untuned", kind="default")

    report = shown(made.results(), price_list)

    assert [row["tuner"] for row in report.rows] == ["untuned"]
    assert "val_score" in report.columns


def test_an_empty_plan_is_said(made: Made, price_list: Prices) -> None:
    report = shown(made.results(), price_list)

    assert (report.sections, report.empty) == ([], "No searches were planned.")


@pytest.mark.seconds
def test_importing_the_tables_loads_no_numeric_library() -> None:
    code = (
        "import sys, harness.reports, harness.analysis, harness.prices; "
        "print([m for m in ('numpy', 'scipy', 'rich', 'tensorflow', 'keras', 'optuna') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_of_very_many_groups_a_terminal_shows_the_first_and_says_so(made: Made, price_list: Prices) -> None:
    for index in range(21):
        made.search([made.trial(0, 0.5)], dataset=f"data-{index}")

    report = shown(made.results(), price_list)

    assert len(report.sections) == 20
    assert report.notes[0] == "Shown are 20 of 21 groups; the files hold all."
