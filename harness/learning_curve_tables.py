"""Tables of learning curves: every epoch of every configuration of a grid, with its scores and what it cost.

A table is one Parquet file: a row for each epoch, and in its metadata, under ``harness``, what was trained, as JSON.

| column | what |
|---|---|
| ``seed`` | seed of the training: split, initial weights, batches, dropout |
| ``parameters.NAME`` | value of a hyperparameter |
| ``continues`` | last epochs of the trials whose best weights were trained on, as ``2`` or ``2,4``; empty for none |
| ``last_epoch`` | epoch that the trial was asked for |
| ``outcome``, ``reason`` | how the trial ended |
| ``epoch`` | number of the epoch, from 1; null in the one row of a trial that had none |
| ``val_score``, ``test_score``, ``loss`` | after and in that epoch |
| ``train_s``, ``evaluate_s`` | seconds of that epoch |
| ``begin_s``, ``checkpoint_s``, ``other_s`` | seconds of the trial outside its epochs |
| ``cpu_s`` | processor seconds of the trial, tuners' thinking apart |
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness import files
from harness.cells import Cell
from harness.errors import ResultsError
from harness.matrix_schema import Section
from harness.record_schema import BuiltTable, DataTable, EnvironmentTable
from harness.search_types import Epoch, Outcome, Parameters, Trial, Value

if TYPE_CHECKING:
    import polars as pl

VERSION = 1
_KEY = "harness"
_PARAMETER = "parameters."
# What decides how long an epoch takes; all else that is tuned are numbers in the same graph.
_COST = ("batch_size", "hidden_units", "optimizer", "fine_tune_depth")
_OF_EPOCHS = ("train_s", "evaluate_s")
_OF_TRIALS = ("begin_s", "checkpoint_s", "other_s")

Row = Mapping[str, Any]
Key = tuple[tuple[tuple[str, Value], ...], tuple[int, ...]]
"""A configuration, and the last epochs of the trials that are continued."""


class Header(Section):
    """What a table holds curves of."""

    version: int = VERSION
    name: str
    """What the matrix is called."""
    matrix: str
    """The matrix's text."""
    base: str
    """Folder that relative paths in it start from."""
    cell: Cell
    """What was recorded, by its first seed."""
    seeds: list[int]
    data: DataTable
    model: BuiltTable
    environment: EnvironmentTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A trial as it was recorded."""

    last_epoch: int
    epochs: tuple[Epoch, ...]
    outcome: Outcome
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """What an epoch and a trial of some batch size take: medians, so that no hiccup is a tuner's fault.

    ``cpu_s`` are the processor seconds of an epoch.
    """

    train_s: float
    evaluate_s: float
    begin_s: float
    checkpoint_s: float
    other_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesOfSeed:
    """The curves of one seed, and what their epochs take, over all seeds."""

    curves: Mapping[Key, Curve]
    seconds: Mapping[tuple[Value | None, ...], Seconds] = field(repr=False)

    def curve(self, parameters: Parameters, ancestors: Sequence[int]) -> Curve | None:
        """Return the longest recorded trial of a configuration that continues trials of these last epochs."""
        return self.curves.get(key(parameters, ancestors))

    def taken(self, parameters: Parameters) -> Seconds:
        """Return what an epoch of a configuration takes."""
        return self.seconds[_cost(parameters)]


def key(parameters: Parameters, ancestors: Sequence[int]) -> Key:
    """Return what a curve is known by; of numbers twelve digits count, as of a grid's."""
    named = sorted((name, _rounded(value)) for name, value in parameters.items())
    return tuple(named), tuple(ancestors)


def write(path: Path, header: Header, searches: Iterable[tuple[int, Sequence[Trial]]]) -> None:
    """Write a table of recorded searches, each with its seed, whole or not at all.

    Raises:
        ResultsError: Two trials of one configuration differ in epochs that they share.
    """
    import polars as pl  # noqa: PLC0415 - takes a while, and few commands need it

    rows = [row for seed, trials in searches for row in _rows(seed, trials, where=path)]
    frame = pl.DataFrame(rows, infer_schema_length=None).sort("seed", maintain_order=True)
    buffer = io.BytesIO()
    frame.write_parquet(buffer, metadata={_KEY: header.model_dump_json()}, compression="zstd")
    files.write_atomically(path, buffer.getvalue())


def header(path: Path) -> Header:
    """Return what a table holds.

    Raises:
        ResultsError: It is no such table.
    """
    import polars as pl  # noqa: PLC0415 - see above

    try:
        told = pl.read_parquet_metadata(path)
        found = Header.model_validate_json(told[_KEY])
    except FileNotFoundError as error:
        raise ResultsError(f"{path}: no such file; harness record MATRIX makes one") from error
    except (KeyError, ValidationError, pl.exceptions.PolarsError) as error:
        raise ResultsError(f"{path}: no table of learning curves that harness record made") from error
    if found.version != VERSION:
        raise ResultsError(f"{path}: version {found.version} of a table; this harness reads {VERSION}")
    return found


def read(path: Path, seed: int) -> CurvesOfSeed:
    """Return the curves of one seed.

    Raises:
        ResultsError: The table has none, or can't be read.
    """
    import polars as pl  # noqa: PLC0415 - see above

    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultsError(f"{path}: can't be read: {error}") from error
    # Of the other seeds, of which there may be many, no curve is made: only their medians count.
    curves = dict(_curves(frame.filter(pl.col("seed") == seed).to_dicts()))
    if not curves:
        raise ResultsError(f"{path}: no curve of seed {seed}")
    return CurvesOfSeed(curves=curves, seconds=_seconds(frame))


def _rows(seed: int, trials: Sequence[Trial], *, where: Path) -> Iterator[dict[str, object]]:
    longest: dict[Key, Trial] = {}
    asked: dict[int, tuple[int, ...]] = {}
    for trial in trials:
        ancestors = () if trial.parent is None else asked[trial.parent]
        asked[trial.number] = (*ancestors, trial.last_epoch)
        known = key(trial.parameters, ancestors)
        other = longest.get(known)
        if other is not None and not _agree(trial, other):
            raise ResultsError(
                f"{where}: seed {seed}, {dict(trial.parameters)}: two trainings differ in epochs that both have; "
                "curves can be recorded only where training repeats exactly (protocol.determinism)"
            )
        if other is None or trial.last_epoch > other.last_epoch:
            longest[known] = trial
    for (_, ancestors), trial in longest.items():
        yield from _of_trial(seed, trial, ancestors)


def _agree(one: Trial, other: Trial) -> bool:
    pairs = zip(one.epochs, other.epochs, strict=False)
    return all((a.epoch, a.val_score, a.loss) == (b.epoch, b.val_score, b.loss) for a, b in pairs)


def _of_trial(seed: int, trial: Trial, ancestors: Sequence[int]) -> Iterator[dict[str, object]]:
    trained_s = sum(epoch.train_s for epoch in trial.epochs)
    whole = {
        "seed": seed,
        **{f"{_PARAMETER}{name}": value for name, value in trial.parameters.items()},
        "continues": ",".join(map(str, ancestors)),
        "last_epoch": trial.last_epoch,
        "outcome": str(trial.outcome),
        "reason": trial.reason,
        "begin_s": max(trial.phases.get("train", 0.0) - trained_s, 0.0),
        "checkpoint_s": trial.phases.get("checkpoint", 0.0),
        "other_s": trial.phases.get("other", 0.0),
        "cpu_s": trial.cpu_s,
    }
    for epoch in trial.epochs:
        yield {
            **whole,
            "epoch": epoch.epoch,
            "val_score": epoch.val_score,
            "test_score": epoch.test_score,
            "loss": epoch.loss,
            "train_s": epoch.train_s,
            "evaluate_s": epoch.evaluate_s,
        }
    if not trial.epochs:
        yield {**whole, "epoch": None}


def _curves(rows: Sequence[Row]) -> Iterator[tuple[Key, Curve]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        parameters = {
            name.removeprefix(_PARAMETER): value for name, value in row.items() if name.startswith(_PARAMETER)
        }
        ancestors = [int(number) for number in row["continues"].split(",") if number]
        found[key(parameters, ancestors)].append(row)
    return ((known, _curve(of_trial)) for known, of_trial in found.items())


def _curve(rows: Sequence[Row]) -> Curve:
    first, epochs = rows[0], [_epoch(row) for row in rows if row["epoch"] is not None]
    return Curve(
        last_epoch=first["last_epoch"],
        epochs=tuple(epochs),
        outcome=Outcome(first["outcome"]),
        reason=first["reason"],
    )


def _epoch(row: Row) -> Epoch:
    names = ("epoch", "val_score", "loss", "train_s", "evaluate_s", "test_score")
    return Epoch(**{name: row[name] for name in names})


def _seconds(frame: pl.DataFrame) -> dict[tuple[Value | None, ...], Seconds]:
    import polars as pl  # noqa: PLC0415 - see above

    cost = [f"{_PARAMETER}{name}" for name in _COST]
    rows = frame.with_columns(pl.lit(None).alias(name) for name in cost if name not in frame.columns)
    of_epochs = rows.group_by(cost).agg(pl.col(_OF_EPOCHS).median())
    trial = ["seed", "continues", *(name for name in rows.columns if name.startswith(_PARAMETER))]
    per_epoch = pl.col("cpu_s").first() / pl.col("epoch").count().clip(lower_bound=1)
    trials = rows.group_by(trial).agg(pl.col(_OF_TRIALS).first(), per_epoch.alias("cpu_s"))
    of_trials = trials.group_by(cost).agg(pl.col(*_OF_TRIALS, "cpu_s").median())
    taken = of_epochs.join(of_trials, on=cost, nulls_equal=True)
    return {
        tuple(row[name] for name in cost): Seconds(
            **{name: row[name] or 0.0 for name in (*_OF_EPOCHS, *_OF_TRIALS, "cpu_s")}
        )
        for row in taken.to_dicts()
    }


def _cost(parameters: Parameters) -> tuple[Value | None, ...]:
    return tuple(parameters.get(name) for name in _COST)


def _rounded(value: Value) -> Value:
    return float(f"{value:.12g}") if isinstance(value, float) else value
