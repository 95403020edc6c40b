"""Curves recorded by real training, and searches replayed on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

import harness
from benchmarks.reliability.kills import what_repeats
from harness import events
from harness.api import curves
from harness.campaign import curve_recording
from harness.cli.commands import harness as cli
from harness.errors import UserError
from harness.phase_clock import on_the_clock
from harness.results_folder import MatrixFolder

MATRIX = """\
seeds = [1, 2]
[budget]
epochs = 24
[protocol]
epochs_per_trial = 6
image_size = 32
[datasets.digits]
max_images = 200
[backbones.EfficientNetLite0]
weights = "none"
[tuners.default]
[tuners.kt-random]
[tuners.kt-grid]
[tuners.kt-bayesian]
[tuners.kt-hyperband]
[tuners.optuna-random]
[tuners.optuna-grid]
[tuners.optuna-tpe]
[tuners.optuna-qmc]
[tuners.pruned]
tuner = "optuna-tpe"
pruner = "hyperband"
[hyperparameters.grid]
learning_rate = { choices = [0.003, 0.03, 0.3] }
batch_size = { choices = [16, 32] }
"""


def searched(folder: Path) -> dict[tuple[str, int], list[object]]:
    """Return the trials of each search, without their seconds."""
    found = MatrixFolder(folder)
    return {(cell.tuner, cell.seed): list(map(what_repeats, found.cell(cell.id).trials())) for cell in found.plan()}


@pytest.mark.slow
@pytest.mark.train
def test_a_replayed_search_proposes_and_finds_what_the_real_one_does(tmp_path: Path) -> None:
    path = tmp_path / "birds.toml"
    path.write_text(MATRIX, "utf-8")
    places: dict[str, Any] = {"results": tmp_path / "results", "cache": tmp_path / "cache"}
    recorded = curves.record(path, executor="local", **places)
    assert [table.name for table in recorded.tables] == ["digits-EfficientNetLite0-grid.parquet"]
    real = harness.run(path, executor="local", **places)
    replayed = curves.replay(recorded.tables, results=tmp_path / "results")
    assert dict(replayed.states) == {events.State.OK: 20}
    assert searched(replayed.path) == searched(real.path)

    answer = CliRunner().invoke(
        cli, ["replay", "--check", str(real.path), *map(str, recorded.tables), "--json"], standalone_mode=False
    )
    told = json.loads(answer.stdout)
    assert told["differences"] == []
    rows = {row["tuner"]: (row["searches"], row["proposals"], row["scores"]) for row in told["tuners"]}
    assert rows == {cell.tuner: (2, 2, 2) for cell in MatrixFolder(real.path).plan()}
    ratio = sum(row["replayed_s"] for row in told["tuners"]) / sum(row["real_s"] for row in told["tuners"])
    # Whether seconds agree hangs on what else the machine does.
    assert (told["agrees"], told["exit_code"]) == ((True, 0) if abs(ratio - 1) <= 0.05 else (False, 1))

    results = harness.load(replayed.path, matrix=replayed.matrix)
    assert len(results.searches()) == 20
    results.write()
    said = "Replayed on recorded curves of 2 seeds, not trained anew."
    assert said in (replayed.path / "tables" / "efficiency.md").read_text("utf-8")
    assert said in (replayed.path / "report.html").read_text("utf-8")
    folder = MatrixFolder(replayed.path)
    records = [folder.cell(cell.id).record() for cell in folder.plan()]
    assert all(record is not None and record.environment.told["replayed"] for record in records)


@pytest.mark.slow
@pytest.mark.train
def test_without_thinking_a_replay_repeats_to_the_last_digit_and_more_seeds_go_round(tmp_path: Path) -> None:
    path = tmp_path / "birds.toml"
    path.write_text(MATRIX, "utf-8")
    tables = curves.record(path, executor="local", results=tmp_path / "results", cache=tmp_path / "cache").tables
    seconds = []
    for name in ("one", "two"):
        ran = curves.replay(tables, results=tmp_path / name, thinking="none", seeds=3)
        assert dict(ran.states) == {events.State.OK: 30}
        folder = MatrixFolder(ran.path)
        notes = harness.load(ran.path, matrix=ran.matrix).tables.shown.notes
        assert any(": 3 searches per row, 1 to 2 on each." in note for note in notes)
        trials = [folder.cell(cell.id).trials() for cell in folder.plan()]
        seconds.append([on_the_clock(dict(trial.phases)) for found in trials for trial in found])
    assert seconds[0] == seconds[1]


def test_chains_are_those_that_the_matrix_s_tuners_may_ask_for() -> None:
    sections: dict[str, Any] = {
        "seeds": [1],
        "budget": {"epochs": 20},
        "datasets": {"digits": {}},
        "backbones": {"EfficientNetLite0": {"weights": "none"}},
        "hyperparameters": {"grid": {"learning_rate": {"choices": [0.1, 0.2]}}},
    }
    plain = harness.Matrix(name="plain", tuners={"kt-random": {}}, **sections)
    bands = harness.Matrix(name="bands", tuners={"kt-random": {}, "kt-hyperband": {}}, **sections)
    assert curve_recording.chains(plain.spec) == [[10]]
    assert curve_recording.chains(bands.spec) == [[10], [4, 10], [2, 4, 10]]


def test_a_continuum_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    path = tmp_path / "birds.toml"
    path.write_text(
        MATRIX.replace("{ choices = [0.003, 0.03, 0.3] }", "{ low = 1e-3, high = 1.0, log = true }"), "utf-8"
    )
    with pytest.raises(UserError, match=r"hyperparameters\.grid\.learning_rate: a range without steps"):
        curves.record(path, results=tmp_path / "results", cache=tmp_path / "cache", executor="local")
    assert not (tmp_path / "results").exists()


def test_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give at least one"):
        curves.replay([], results=tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("image_size = 32", 'image_size = 32\nschedule = "cosine"', r"protocol\.schedule"),
        ('weights = "none"', 'weights = "none"\ntrain = "all"', r"backbones\.EfficientNetLite0\.train"),
        ("[hyperparameters.grid]", '[hyperparameters.grid]\noptimizer = "sgd"', r"hyperparameters\.grid\.optimizer"),
    ],
)
def test_what_is_no_frozen_head_trained_by_adam_is_not_recorded_side_by_side(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    path = tmp_path / "birds.toml"
    path.write_text(MATRIX.replace(old, new), "utf-8")
    with pytest.raises(UserError, match=rf"{key}: heads are trained side by side by Adam on frozen features"):
        curves.record(path, results=tmp_path / "results", cache=tmp_path / "cache", executor="local", side_by_side=True)
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
@pytest.mark.train
def test_heads_recorded_side_by_side_are_searched_as_a_matrix_of_one_s_own_says(tmp_path: Path) -> None:
    path = tmp_path / "birds.toml"
    path.write_text(MATRIX.replace("seeds = [1, 2]", "seeds = [1]"), "utf-8")
    recorded = curves.record(
        path, results=tmp_path / "results", cache=tmp_path / "cache", executor="local", side_by_side=True
    )
    frame = pl.read_parquet(recorded.tables[0])
    timed = frame.filter(pl.col("train_s").is_not_null())
    # Of 3 learning rates × 2 batch sizes what has the default learning rate; 3 are the choices, 0.003 the first.
    assert set(timed["parameters.learning_rate"]) == {0.003}
    assert set(timed["parameters.batch_size"]) == {16, 32}

    own = tmp_path / "own.toml"
    tuners = "[tuners.kt-random]\n[tuners.kt-hyperband]\n"
    text = MATRIX[: MATRIX.index("[tuners.default]")] + tuners + MATRIX[MATRIX.index("[hyperparameters.grid]") :]
    own.write_text(text.replace("epochs = 24", "epochs = 30").replace("[1, 2]", "[1, 2, 3]"), "utf-8")
    ran = curves.replay(recorded.tables, matrix=own, results=tmp_path / "results")
    assert ran.path.name == "own-replayed"
    assert dict(ran.states) == {events.State.OK: 6}
    searches = harness.load(ran.path, matrix=ran.matrix).searches()
    assert set(searches.filter(pl.col("tuner") == "kt-random")["epochs"]) == {30}
    own.write_text(text.replace("image_size = 32", "image_size = 48"), "utf-8")
    with pytest.raises(
        UserError, match=r"own\.toml: protocol: other than in the matrix that .*grid\.parquet was recorded"
    ):
        curves.replay(recorded.tables, matrix=own, results=tmp_path / "results")
    own.write_text(text.replace("[16, 32]", "[16, 64]"), "utf-8")
    with pytest.raises(UserError, match=r"own\.toml: hyperparameters\.grid: other than"):
        curves.replay(recorded.tables, matrix=own, results=tmp_path / "results")
