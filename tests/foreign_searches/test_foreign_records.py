"""Searches of other tools as results: read back by everything that reads results."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.errors import ResultsError, UserError
from harness.foreign_searches import foreign_records
from harness.foreign_searches.foreign_records import ForeignSearch, SearchImport
from harness.search_types import Outcome

ASKED = SearchImport(name="theirs", metric="accuracy", tuner="kt-random", source="study.db")


def search(called: str, *scores: float) -> ForeignSearch:
    trials = [
        foreign_records.trial(number, {"lr": 0.1 * (number + 1)}, {1: score / 2, 2: score}, outcome=Outcome.COMPLETED)
        for number, score in enumerate(scores)
    ]
    return ForeignSearch(called=called, trials=trials, began_at="2026-01-01T00:00:00+00:00")


def test_scores_and_epochs_enter_tables_and_what_it_cost_is_unknown(tmp_path: Path) -> None:
    folder = foreign_records.write([search("one", 0.5, 0.75), search("two", 0.25)], ASKED, results=tmp_path)

    found = harness.load(folder)
    rows = found.searches().rows(named=True)
    assert [(row["tuner"], row["seed"], row["val_score"], row["epochs"]) for row in rows] == [
        ("kt-random", 1, 0.75, 4),
        ("kt-random", 2, 0.25, 2),
    ]
    unknown = ("search_s", "total_s", "device_s", "thinking_s", "cpu_s", "energy_j", "usd", "test_score")
    assert {row[name] for row in rows for name in unknown} == {None}
    trials, epochs = found.trials(), found.epochs()
    assert all(trials[name].is_null().all() for name in ("search_s", "ask_s", "train_s", "tell_s"))
    assert all(epochs[name].is_null().all() for name in ("loss", "train_s", "evaluate_s"))


@pytest.mark.seconds
def test_tables_pictures_and_page_have_dashes_for_costs_and_say_why(tmp_path: Path) -> None:
    searches = [
        search(f"theirs/vgg/grid/{tuner}/{seed}", 0.5, 0.75) for tuner in ("a", "kt-random") for seed in (1, 2, 3)
    ]
    found = harness.load(foreign_records.write(searches, ASKED, results=tmp_path))

    written = found.write()
    assert len(written["plots"]) > 1
    (row, _) = found.table("efficiency").rows(named=True)
    assert (row["epochs"], row["val_score"]) == (4, 0.75)
    unknown = ("wall_s", "device_s", "cpu_s", "thinking_s", "total_s", "builds", "build_s")
    assert {row[name] for name in unknown} == {None}
    assert found.table("phases")["sum_s"].is_null().all()
    assert any(note.startswith("Searches of other tools (study.db): machine, ") for note in found.tables.shown.notes)


def test_a_search_that_is_called_as_exports_call_them_has_these_names(tmp_path: Path) -> None:
    folder = foreign_records.write([search("birds/vgg/grid/tpe/7", 0.5)], ASKED, results=tmp_path)

    (row,) = harness.load(folder).searches().rows(named=True)
    assert (row["dataset"], row["backbone"], row["hyperparameters"], row["tuner"], row["seed"]) == (
        *("birds", "vgg", "grid", "tpe"),
        7,
    )


def test_a_search_without_a_score_failed(tmp_path: Path) -> None:
    nothing = foreign_records.trial(0, {"lr": 0.1}, {}, outcome=Outcome.FAILED, reason="boom")
    made = ForeignSearch(called="one", trials=[nothing], began_at="2026-01-01T00:00:00+00:00")

    folder = foreign_records.write([search("two", 0.5), made], ASKED, results=tmp_path)

    assert harness.load(folder).searches()["status"].to_list() == ["ok", "failed"]


def test_steps_that_begin_at_0_are_epochs_from_1_on() -> None:
    made = foreign_records.trial(0, {}, {0: 0.5, 1: 0.75}, outcome=Outcome.COMPLETED)

    assert [epoch.epoch for epoch in made.epochs] == [1, 2]


def test_a_score_beyond_1_is_refused() -> None:
    with pytest.raises(ResultsError, match="trial 3: a score of 93 is not from 0 to 1, where more is better"):
        foreign_records.trial(3, {}, {1: 93.0}, outcome=Outcome.COMPLETED)


def test_results_that_are_there_are_left(tmp_path: Path) -> None:
    foreign_records.write([search("one", 0.5)], ASKED, results=tmp_path)

    with pytest.raises(UserError, match="theirs: is there already; move it away, or give another --name"):
        foreign_records.write([search("one", 0.5)], ASKED, results=tmp_path)


def test_nothing_to_import_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"study\.db: has no search"):
        foreign_records.write([], ASKED, results=tmp_path)
    assert list(tmp_path.iterdir()) == []
