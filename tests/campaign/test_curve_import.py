"""Learning curves of others: read, refused where they are none of a whole grid, and searched."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import harness
from harness import learning_curve_tables
from harness import matrix as matrices
from harness.api import curves
from harness.errors import MatrixError, ResultsError, UserError
from harness.results_folder import MatrixFolder
from harness.search_types import Outcome, Value

Change = Callable[[pl.DataFrame], pl.DataFrame]


def foreign() -> pl.DataFrame:
    """Two seeds of three rates, two widths and two activations, four epochs each; the widest at the highest diverge."""
    rows = []
    for seed, rate, units, gated in itertools.product((1, 2), (0.001, 0.01, 0.1), (8, 16), (True, False)):
        for epoch in range(1, 5):
            diverged = rate == 0.1 and units == 16 and epoch >= 3
            score = (0.5 + 10 * min(rate, 0.02) + units / 100 + seed / 1000) * (1 - 0.5**epoch)
            rows.append(
                {
                    "parameters.rate": rate,
                    "parameters.units": units,
                    "parameters.gated": gated,
                    "seed": seed,
                    "epoch": epoch,
                    "val_score": float("nan") if diverged else score,
                    "loss": 1 / epoch,
                    "train_s": units / 4,
                }
            )
    return pl.DataFrame(rows)


def imported(folder: Path, change: Change = lambda frame: frame, **options: Any) -> Path:
    path = folder / "strangers.parquet"
    change(foreign()).write_parquet(path)
    return curves.import_curves(path, **{"metric": "accuracy", "results": folder / "results", **options})


def test_the_grid_is_all_values_in_their_order(tmp_path: Path) -> None:
    header = learning_curve_tables.header(imported(tmp_path))

    told = {name: table.told.get("choices") for name, table in header.cell.domains.items()}
    assert told == {"rate": [0.001, 0.01, 0.1], "units": [8, 16], "gated": ["false", "true"]}
    assert (header.seeds, header.cell.protocol.metric, header.cell.protocol.epochs_per_trial) == ([1, 2], "accuracy", 4)


def test_scores_seconds_and_divergence_are_those_of_the_file(tmp_path: Path) -> None:
    table = learning_curve_tables.CurveTable(imported(tmp_path)).curves(2)

    parameters: dict[str, Value] = {"rate": 0.01, "units": 16, "gated": "true"}
    curve = table.curve(parameters, ())
    assert curve is not None
    first = curve.epoch(1)
    assert first is not None
    assert first == pytest.approx(((0.5 + 0.1 + 0.16 + 0.002) / 2, 1.0, None))
    assert (table.taken(parameters).train_s, table.taken({**parameters, "units": 8}).train_s) == (4.0, 2.0)
    diverged = table.curve({**parameters, "rate": 0.1}, ())
    assert diverged is not None
    assert (diverged.outcome, diverged.epoch(2) is None, diverged.epoch(3)) == (Outcome.DIVERGED, False, None)


@pytest.mark.seconds
def test_three_tuners_search_it_and_their_tables_say_what_is_unknown(tmp_path: Path) -> None:
    table = imported(tmp_path, tuners=["kt-random", "kt-grid", "optuna-tpe"])

    ran = curves.replay([table], results=tmp_path / "results", seeds=4, thinking="none")
    found = harness.load(ran.path, matrix=ran.matrix)

    searches = found.searches()
    assert searches["status"].to_list() == ["ok"] * 12
    assert searches["val_score"].max() == pytest.approx((0.5 + 0.2 + 0.08 + 0.002) * (1 - 0.5**4))
    assert searches["usd"].is_null().all()
    assert searches["energy_j"].is_null().all()
    assert len(found.write(["tables", "page"])["tables"]) > 30
    notes = found.tables.shown.notes
    assert any("Curves that others recorded (strangers.parquet): machine, packages, data" in note for note in notes)
    trials = [trial for cell in searches["id"] for trial in MatrixFolder(ran.path).cell(cell).trials()]
    done = [trial for trial in trials if trial.outcome is Outcome.COMPLETED and len(trial.epochs) == 4]
    assert done
    assert all(trial.phases["train"] == float(trial.parameters["units"]) for trial in done)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop("train_s"), "no column 'train_s'"),
        (lambda frame: frame.select("seed", "epoch", "val_score", "loss", "train_s"), "no column 'parameters.NAME'"),
        (lambda frame: frame.with_columns(pl.col("val_score") * 100), "not from 0 to 1; divide percentages by 100"),
        (lambda frame: frame.with_columns(train_s=pl.lit(-1.0)), "train_s has values that are no seconds"),
        (lambda frame: frame.with_columns(train_s=pl.lit(None, pl.Float64)), "train_s is null in 96 rows"),
        (lambda frame: frame.slice(4), r"seed 1 has 11 of the 12 configurations \(3 × 2 × 2\) of its grid"),
        (lambda frame: frame.slice(1), "epochs don't go from 1 on"),
        (lambda frame: pl.concat([frame, frame.slice(0, 1)]), "epochs don't go from 1 on, each once"),
        (lambda frame: pl.concat([frame.slice(0, 3), frame.slice(4)]), "3 epochs, others have 4; give --epochs 3"),
        (
            lambda frame: frame.with_columns(pl.col("epoch").cast(pl.String)),
            "epoch is of type String",
        ),
    ],
)
def test_what_is_no_curves_of_a_whole_grid_is_refused(tmp_path: Path, change: Change, said: str) -> None:
    with pytest.raises(ResultsError, match=said):
        imported(tmp_path, change)
    assert not (tmp_path / "results").exists()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text("a,b\n1,2\n")

    with pytest.raises(ResultsError, match=r"curves\.csv: can't be read as Parquet"):
        curves.import_curves(path, metric="accuracy", results=tmp_path)


def test_trials_can_be_shorter_than_curves(tmp_path: Path) -> None:
    table = imported(tmp_path, trial_epochs=2)

    assert learning_curve_tables.header(table).cell.protocol.epochs_per_trial == 2
    assert pl.read_parquet(table)["epoch"].max() == 2


def test_a_table_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    imported(tmp_path)

    with pytest.raises(UserError, match="is there already; move it away, or give another --name"):
        imported(tmp_path)
    assert imported(tmp_path, name="again").name == "again-unknown-grid.parquet"


def test_a_budget_that_finishes_no_trial_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match="3 epochs can't finish one trial of 4"):
        imported(tmp_path, budget_epochs=3)


def test_seeds_losses_and_test_scores_may_be_left_out(tmp_path: Path) -> None:
    table = imported(tmp_path, lambda frame: frame.filter(pl.col("seed") == 2).drop("seed", "loss"))

    assert learning_curve_tables.header(table).seeds == [1]
    assert pl.read_parquet(table)["test_score"].is_null().all()
    ran = curves.replay([table], results=tmp_path / "results", thinking="none")
    assert harness.load(ran.path).epochs()["loss"].is_null().all()


MATRIX = """\
seeds = [1]
[budget]
epochs = 20
[datasets.strangers]
source = "recorded"
[backbones.unknown]
model = "recorded"
weights = "none"
[tuners.kt-random]
[hyperparameters.grid]
any_name = { choices = [-2, 0, 2.5] }
"""


def test_a_matrix_of_recorded_curves_may_have_hyperparameters_of_any_name(tmp_path: Path) -> None:
    path = tmp_path / "strangers.toml"
    path.write_text(MATRIX)

    assert list(matrices.load(path).spaces["grid"].domains) == ["any_name"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{ choices = [-2, 0, 2.5] }", "{ low = 1, high = 2 }", "list the recorded values as choices"),
        ("{ choices = [-2, 0, 2.5] }", "{ choices = [1, 2], default = 3 }", "3 is not among the choices"),
        ("{ choices = [-2, 0, 2.5] }", "{ choices = [1, 1] }", "1 is listed twice"),
        ("{ choices = [-2, 0, 2.5] }", "3", "every value is fixed, so nothing is tuned"),
        ('source = "recorded"', 'source = "digits"', "unknown backbone|stands beside what is known by recorded curves"),
        ('model = "recorded"', 'model = "MobileNetV2"', "'MobileNetV2' stands beside what is known by recorded curves"),
        ('source = "recorded"', 'source = "recorded"\nper_class = 9', "per_class: not used by source 'recorded'"),
    ],
)
def test_a_matrix_of_recorded_curves_that_makes_no_sense_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "strangers.toml"
    path.write_text(MATRIX.replace(old, new))

    with pytest.raises(MatrixError, match=said):
        matrices.load(path)


def test_what_is_only_recorded_can_not_be_trained(tmp_path: Path) -> None:
    path = tmp_path / "strangers.toml"
    path.write_text(MATRIX)

    with pytest.raises(UserError, match="has no images, so nothing can be trained; search its curves with harness"):
        harness.run(path, results=tmp_path / "results", cache=tmp_path / "cache", executor="local")
