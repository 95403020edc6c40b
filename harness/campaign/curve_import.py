"""Learning curves that others recorded, made a table that searches are replayed on.

What is read is a Parquet file with a row for each epoch of each training:

| column | what |
|---|---|
| ``parameters.NAME`` | value of a hyperparameter: a number, text, true or false |
| ``seed`` | seed of the training; where the column is left out, all are of seed 1 |
| ``epoch`` | number of the epoch, from 1 on without gaps |
| ``val_score`` | after it, on the data that tuners are scored on: 0 to 1, more is better |
| ``test_score`` | the same on other data; may be left out or null |
| ``loss`` | of training; may be left out or null |
| ``train_s`` | seconds that the epoch took, evaluation included where the next column is left out |
| ``evaluate_s`` | seconds of evaluation; may be left out |

A row whose loss or validation score is no finite number says that the training diverged in that epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import files, learning_curve_tables
from harness.catalogue.tuners import UNTUNED
from harness.cells import Cell, Names, SourceTable, WeightsTable, domains_of
from harness.errors import ResultsError, UserError
from harness.learning_curve_tables import PARAMETER, Header
from harness.matrix import Matrix
from harness.matrix_schema import RECORDED, Metric, TunerSection
from harness.record_schema import BuiltTable, DataTable, EnvironmentTable
from harness.search_types import Epoch, Outcome, Trial, Value

if TYPE_CHECKING:
    import polars as pl

TUNERS = ("kt-random", "kt-bayesian", "optuna-tpe")
"""What searches the curves unless told otherwise."""
_TRIALS = 10
_NEEDED = ("epoch", "val_score", "train_s")
_BACKBONE, _GRID = "unknown", "grid"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveImport:
    """What a file of curves is taken for.

    Attributes:
        name: What results are called, and the data set.
        metric: What its scores are.
        tuners: What searches it.
        budget_epochs: What a search may spend; ten trials of all epochs where None.
        trial_epochs: Epochs of a trial at full fidelity; all that the file has where None.
    """

    name: str
    metric: Metric
    tuners: Sequence[str] = TUNERS
    budget_epochs: int | None = None
    trial_epochs: int | None = None


def import_curves(path: Path, asked: CurveImport, *, into: Path) -> Path:
    """Write a table of the curves in ``path`` into the folder ``into``, and return it.

    The grid that tuners see are all values that the file has of each hyperparameter, in their order. Machine,
    packages, data and model are unknown, and said to be.

    Raises:
        ResultsError: The file can't be read, or its rows are no curves of a whole grid.
        UserError: A table is there already, or the curves make no matrix.
    """
    frame = _read(path)
    seeds = {seed: list(_trials(rows, path)) for (seed,), rows in frame.partition_by("seed", as_dict=True).items()}
    most = max(trial.last_epoch for trials in seeds.values() for trial in trials)
    full = most if asked.trial_epochs is None else min(asked.trial_epochs, most)
    grid = _grid(frame)
    for seed, trials in seeds.items():
        _check_whole(path, seed, trials, grid, full)
    written = into / f"{asked.name}-{_BACKBONE}-{_GRID}.parquet"
    if written.exists():
        raise UserError(f"{written}: is there already; move it away, or give another --name")
    header = _header(path, asked, grid, sorted(seeds), full)
    into.mkdir(parents=True, exist_ok=True)
    learning_curve_tables.write(written, header, [(seed, _cut(trials, full)) for seed, trials in seeds.items()])
    return written


def _read(path: Path) -> pl.DataFrame:
    """Return the rows, ordered by training and epoch.

    Raises:
        ResultsError: It is no Parquet file, lacks a column, or holds what no curve can.
    """
    import polars as pl  # noqa: PLC0415 - takes a while, and few commands need it

    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultsError(f"{path}: can't be read as Parquet: {error}") from error
    named = [name for name in frame.columns if name.startswith(PARAMETER)]
    lacking = [name for name in _NEEDED if name not in frame.columns] + ([] if named else [f"{PARAMETER}NAME"])
    if lacking:
        raise ResultsError(f"{path}: no column {lacking[0]!r}; docs/replay.md says which there must be")
    for name, told in (("seed", 1), ("test_score", None), ("loss", None), ("evaluate_s", 0.0)):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(told, dtype=pl.Int64 if name == "seed" else pl.Float64).alias(name))
    flags = [name for name in named if frame[name].dtype == pl.Boolean]
    frame = frame.with_columns(pl.col(flags).cast(pl.String))
    _check_values(path, frame, named)
    return frame.sort("seed", *named, "epoch")


def _check_values(path: Path, frame: pl.DataFrame, named: Sequence[str]) -> None:
    for name in (*named, "seed", *_NEEDED, "evaluate_s"):
        if frame[name].null_count():
            raise ResultsError(f"{path}: {name} is null in {frame[name].null_count()} rows; every row needs it")
    for name in ("seed", "epoch"):
        if not frame[name].dtype.is_integer():
            raise ResultsError(f"{path}: {name} is of type {frame[name].dtype}; give whole numbers")
    for name in ("val_score", "test_score", "loss", "train_s", "evaluate_s"):
        if not frame[name].dtype.is_numeric():
            raise ResultsError(f"{path}: {name} is of type {frame[name].dtype}; give numbers")
    _check_ranges(path, frame)


def _check_ranges(path: Path, frame: pl.DataFrame) -> None:
    import polars as pl  # noqa: PLC0415 - see above

    for name in ("val_score", "test_score"):
        beyond = frame.filter(pl.col(name).is_finite() & ~pl.col(name).is_between(0, 1))
        if len(beyond):
            raise ResultsError(f"{path}: {name} {beyond[name][0]:g} is not from 0 to 1; divide percentages by 100")
    for name in ("train_s", "evaluate_s"):
        if not frame[name].is_between(0, math.inf, closed="left").all():
            raise ResultsError(f"{path}: {name} has values that are no seconds; give numbers from 0 on")


def _trials(rows: pl.DataFrame, path: Path) -> Iterator[Trial]:
    named = [name for name in rows.columns if name.startswith(PARAMETER)]
    for number, (values, curve) in enumerate(rows.group_by(named, maintain_order=True)):
        parameters = {name.removeprefix(PARAMETER): value for name, value in zip(named, values, strict=True)}
        if curve["epoch"].to_list() != list(range(1, len(curve) + 1)):
            raise ResultsError(f"{path}: {parameters}: epochs don't go from 1 on, each once")
        yield _trial(number, parameters, list(curve.iter_rows(named=True)))


def _trial(number: int, parameters: Mapping[str, Value], rows: Sequence[Row]) -> Trial:
    known = list(takewhile(_is_finite, rows))
    has_diverged = len(known) < len(rows)
    epochs = tuple(map(_epoch, known))
    spent = {
        "train": sum(epoch.train_s or 0.0 for epoch in epochs),
        "evaluate": sum(epoch.evaluate_s or 0.0 for epoch in epochs),
    }
    return Trial(
        number=number,
        parameters=parameters,
        first_epoch=1,
        last_epoch=len(rows),
        parent=None,
        outcome=Outcome.DIVERGED if has_diverged else Outcome.COMPLETED,
        epochs=epochs,
        phases=spent,
        reason="not finite" if has_diverged else None,
    )


def _is_finite(row: Row) -> bool:
    return math.isfinite(row["val_score"]) and (row["loss"] is None or math.isfinite(row["loss"]))


def _epoch(row: Row) -> Epoch:
    names = ("epoch", "val_score", "loss", "train_s", "evaluate_s", "test_score")
    return Epoch(**{name: row[name] for name in names})


def _grid(frame: pl.DataFrame) -> dict[str, list[Value]]:
    """Return the values of each hyperparameter in their order."""
    named = (name for name in frame.columns if name.startswith(PARAMETER))
    return {name.removeprefix(PARAMETER): frame[name].unique().sort().to_list() for name in named}


def _check_whole(
    path: Path, seed: int, trials: Sequence[Trial], grid: Mapping[str, Sequence[Value]], full: int
) -> None:
    """Raise ResultsError where a tuner could ask for what the file doesn't have."""
    wanted = math.prod(len(values) for values in grid.values())
    if len(trials) < wanted:
        spelt = " × ".join(str(len(values)) for values in grid.values())
        raise ResultsError(
            f"{path}: seed {seed} has {len(trials)} of the {wanted} configurations ({spelt}) of its grid; a replay "
            "needs them all: leave out the values of which some are missing"
        )
    short = next((trial for trial in trials if trial.outcome is Outcome.COMPLETED and trial.last_epoch < full), None)
    if short is not None:
        raise ResultsError(
            f"{path}: seed {seed}, {dict(short.parameters)}: {short.last_epoch} epochs, others have {full}; "
            f"give --epochs {short.last_epoch}, or fewer"
        )


def _cut(trials: Sequence[Trial], full: int) -> list[Trial]:
    """Return the trials as far as any is asked for: what diverged before would in every longer one."""
    return [
        replace(trial, last_epoch=full, epochs=tuple(epoch for epoch in trial.epochs if epoch.epoch <= full))
        for trial in trials
    ]


def _header(path: Path, asked: CurveImport, grid: Mapping[str, list[Value]], seeds: list[int], full: int) -> Header:
    matrix = _matrix(path, asked, grid, seeds, full)
    cell = Cell(
        names=Names(dataset=asked.name, backbone=_BACKBONE, tuner=UNTUNED, hyperparameters=_GRID),
        dataset=matrix.spec.datasets[asked.name],
        source=SourceTable.model_validate({"content_hash": files.sha256_of(path), "name": path.name}),
        backbone=matrix.spec.backbones[_BACKBONE],
        weights=WeightsTable.model_validate({"sha256": None}),
        tuner=TunerSection(tuner=UNTUNED),
        domains=domains_of(matrix.spaces[_GRID]),
        budget=matrix.spec.budget,
        protocol=matrix.spec.protocol,
        seed=seeds[0],
        environment="",
        code="",
    )
    return Header(
        name=matrix.name,
        matrix=matrix.text,
        base=files.without_home(str(path.parent.absolute())),
        cell=cell,
        seeds=seeds,
        data=DataTable(),
        model=BuiltTable(),
        environment=EnvironmentTable.model_validate({"imported": path.name}),
        seconds_by=tuple(grid),
    )


def _matrix(path: Path, asked: CurveImport, grid: Mapping[str, list[Value]], seeds: list[int], full: int) -> Matrix:
    """Return the matrix that a replay goes by.

    Raises:
        MatrixError: The name, a tuner or the budget can't be used, or there is nothing to tune.
    """
    domains = {name: values[0] if len(values) == 1 else {"choices": values} for name, values in grid.items()}
    return Matrix(
        name=asked.name,
        base=path.parent.absolute(),
        seeds=seeds,
        budget={"epochs": _TRIALS * full if asked.budget_epochs is None else asked.budget_epochs},
        protocol={"metric": asked.metric, "epochs_per_trial": full},
        datasets={asked.name: {"source": RECORDED}},
        backbones={_BACKBONE: {"model": RECORDED, "weights": "none"}},
        tuners={name: {"tuner": name} for name in asked.tuners},
        hyperparameters={_GRID: domains},
    )
