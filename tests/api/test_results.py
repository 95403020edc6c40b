"""Results as frames, as an answer, and as files; those of the reference run are real."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import harness
from harness.matrix import load as load_matrix

REFERENCE = Path(__file__).parents[2] / "results" / "reference" / "demo"


@pytest.fixture(scope="module")
def results() -> harness.Results:
    return harness.load(REFERENCE, matrix=load_matrix(REFERENCE.parents[2] / "benchmarks" / "demo.toml"))


def test_a_search_is_a_row_with_its_scores_costs_and_parameters(results: harness.Results) -> None:
    frame = results.searches()

    planned = results.recorded.searches
    assert frame["id"].to_list() == [search.planned.id for search in planned]
    first = frame.row(0, named=True)
    assert (first["val_score"], first["test_score"]) == (planned[0].val_score, planned[0].test_score)
    assert first["search_s"] == planned[0].cost.wall_s if planned[0].cost else None
    assert first["params_learning_rate"] == planned[0].best["learning_rate"]


def test_trials_and_epochs_are_those_of_the_records(results: harness.Results) -> None:
    trials, epochs = results.trials(), results.epochs()

    searches = results.recorded.searches
    assert len(trials) == sum(len(search.trials) for search in searches)
    assert len(epochs) == sum(len(trial.epochs) for search in searches for trial in search.trials)
    best = epochs.group_by("id").agg(pl.col("val_score").max()).sort("id")
    own = results.searches().select("id", "val_score").sort("id")
    assert best.equals(own)


@pytest.mark.seconds
@pytest.mark.parametrize("name", ["answer", "efficiency", "to-target", "told"])
def test_a_table_has_the_numbers_of_its_file(results: harness.Results, name: str) -> None:
    frame = results.table(name)

    rows = list(csv.DictReader(io.StringIO((REFERENCE / "tables" / f"{name}.csv").read_text("utf-8"))))
    assert frame.columns == list(rows[0])
    assert len(frame) == len(rows)
    for column in frame.columns:
        assert frame[column].is_null().to_list() == [row[column] == "" for row in rows]


def test_the_best_of_each_group_is_the_first_search_with_the_highest_validation_score(results: harness.Results) -> None:
    best, searches = results.best(), results.searches()

    groups = ["dataset", "backbone", "hyperparameters"]
    highest = searches.group_by(groups, maintain_order=True).agg(pl.all().sort_by("val_score", descending=True).first())
    assert best.select(*groups, "tuner", "seed", "id", "val_score", "test_score", "params_learning_rate").equals(
        highest.select(*groups, "tuner", "seed", "id", "val_score", "test_score", "params_learning_rate")
    )


def test_what_to_expect_is_the_winners_tuners_row_in_the_efficiency_table(results: harness.Results) -> None:
    efficiency = results.table("efficiency")

    for row in results.best().iter_rows(named=True):
        (same,) = efficiency.filter(
            (pl.col("backbone") == row["backbone"]) & (pl.col("tuner") == row["tuner"])
        ).iter_rows(named=True)
        expected = [row[f"tuner_test_score{end}"] for end in ("", "_low", "_high")]
        assert expected == [same[f"test_score{end}"] for end in ("", "_low", "_high")]


def test_the_best_of_one_tuner_is_its_own(results: harness.Results) -> None:
    assert set(results.best(tuner="kt-random")["tuner"]) == {"kt-random"}


def test_the_best_of_a_tuner_that_is_not_there_is_an_error_that_names_the_near_one(results: harness.Results) -> None:
    with pytest.raises(harness.UserError, match="demo: unknown tuner 'kt-rnadom'; did you mean 'kt-random'"):
        results.best(tuner="kt-rnadom")


def test_a_table_that_is_not_there_is_an_error_that_lists_those_that_are(results: harness.Results) -> None:
    with pytest.raises(harness.UserError, match="effort: no table has that name; these are there: efficiency, answer"):
        results.table("effort")


def test_a_folder_without_records_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(harness.ResultsError, match="run the matrix first"):
        harness.load(tmp_path)


def test_shown_as_text_the_advice_follows_the_title(results: harness.Results) -> None:
    title, *advice = repr(results).splitlines()

    assert title.startswith("demo: ")
    assert advice == results.advice()


@pytest.mark.seconds
def test_a_notebook_shows_advice_table_and_a_curve_for_each_group(results: harness.Results) -> None:
    shown = results._repr_html_()

    assert shown.count("<svg") == len({search.planned.name.group for search in results.recorded.searches})
    assert shown.count("<table>") == 1
    assert "<?xml" not in shown
    assert all(f"<li>{line[:40]}" in shown for line in results.advice() if line.isascii())


def test_a_matrix_may_be_given_by_its_file() -> None:
    matrix = REFERENCE.parents[2] / "benchmarks" / "demo.toml"

    assert harness.load(REFERENCE, matrix=str(matrix)).matrix_text == matrix.read_text("utf-8")


def test_misuse_is_told_in_a_line(results: harness.Results, tmp_path: Path) -> None:
    wrong: Any = 3
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: harness.load(""), "path = '': an empty path; give another"),
        (lambda: harness.load(REFERENCE, matrix=wrong), "matrix = 3: no path"),
        (lambda: harness.load(REFERENCE, matrix=tmp_path / "no.toml"), "no.toml"),
        (lambda: harness.load(REFERENCE, grid=wrong), "grid = 3: give its name as text"),
        (lambda: results.best(tuner=wrong), "unknown tuner '3'; known: "),
        (lambda: results.write(["foo"]), "only = 'foo': no such part; give of tables, plots, page, or nothing for all"),
    ]

    for call, said in calls:
        with pytest.raises(harness.UserError, match=re.escape(said)):
            call()
