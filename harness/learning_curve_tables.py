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
| ``val_score``, ``test_score``, ``loss`` | after and in that epoch; null where unknown |
| ``train_s``, ``evaluate_s`` | seconds of that epoch; null, as all seconds, where heads were trained side by side |
| ``begin_s``, ``checkpoint_s``, ``other_s`` | seconds of the trial outside its epochs |
| ``cpu_s`` | processor seconds of the trial, tuners' thinking apart |
"""

from __future__ import annotations

import io
import math
from array import array
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
from harness.search_types import Outcome, Parameters, Proposal, Trial, Value
from harness.space import Space

if TYPE_CHECKING:
    import polars as pl

VERSION = 1
_KEY = "harness"
# What stands for no test score: none is below 0.
_UNSCORED = -1.0
PARAMETER = "parameters."
"""What the columns of hyperparameters begin with."""
# What decides how long an epoch takes; all else that is tuned are numbers in the same graph.
_COST = ("batch_size", "hidden_units", "optimizer", "fine_tune_depth")
_OF_EPOCHS = ("train_s", "evaluate_s")
_OF_TRIALS = ("begin_s", "checkpoint_s", "other_s")
_NO_SECONDS = dict.fromkeys((*_OF_EPOCHS, *_OF_TRIALS, "cpu_s"))

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
    seconds_by: tuple[str, ...] = _COST
    """Hyperparameters that decide how long an epoch takes."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A trial as it was recorded: the row of its first epoch, how many there are, and how it ended."""

    _scores: ScoreColumns = field(repr=False)
    _row: int
    _first_epoch: int
    _count: int
    last_epoch: int
    outcome: Outcome
    reason: str | None

    def epoch(self, number: int) -> tuple[float, float | None, float | None] | None:
        """Return validation score, loss and test score after an epoch; None where it had no such epoch."""
        place = number - self._first_epoch
        return self._scores.at(self._row + place) if 0 <= place < self._count else None


@dataclass(frozen=True, slots=True)
class ScoreColumns:
    """ScoreColumns and losses of many epochs, in columns, as objects would take ten times the memory."""

    val: array[float]
    loss: array[float]
    test: array[float]

    def at(self, row: int) -> tuple[float, float | None, float | None]:
        """Return validation score, loss and test score of a row."""
        test, loss = self.test[row], self.loss[row]
        return self.val[row], None if math.isnan(loss) else loss, None if test == _UNSCORED else test


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
    seconds_by: Sequence[str] = _COST

    def curve(self, parameters: Parameters, ancestors: Sequence[int]) -> Curve | None:
        """Return the longest recorded trial of a configuration that continues trials of these last epochs."""
        return self.curves.get(key(parameters, ancestors))

    def taken(self, parameters: Parameters) -> Seconds:
        """Return what an epoch of a configuration takes."""
        return self.seconds[tuple(parameters.get(name) for name in self.seconds_by)]


class TrialChains:
    """The last epochs of the trials that each trial continues: with its parameters what a curve is known by."""

    def __init__(self, earlier: Iterable[Trial] = ()) -> None:
        """Begin with the trials of an interrupted search, in their order."""
        self._chains: dict[int, tuple[int, ...]] = {}
        for trial in earlier:
            self.add(trial.number, trial)

    def after(self, parent: int | None) -> tuple[int, ...]:
        """Return the chain of what continues ``parent``; empty where nothing is continued."""
        return () if parent is None else self._chains[parent]

    def add(self, number: int, asked: Proposal | Trial) -> None:
        """Take note of a trial, which later ones may continue."""
        self._chains[number] = (*self.after(asked.parent), asked.last_epoch)


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

    rows = [row for seed, trials in searches for row in _rows(seed, trials, header.cell, where=path)]
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


class CurveTable:
    """A table in memory: read once, its medians computed once, the curves of a seed gathered when first asked for."""

    def __init__(self, path: Path) -> None:
        """Read a table.

        Raises:
            ResultsError: It is none, or can't be read.
        """
        import polars as pl  # noqa: PLC0415 - see above

        self.header = header(path)
        self._path = path
        try:
            frame = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise ResultsError(f"{path}: can't be read: {error}") from error
        self._seconds = _seconds(frame, self.header.seconds_by)
        self._of_seed = dict(_columns_of_seeds(frame))
        self._gathered: dict[int, CurvesOfSeed] = {}
        # Of one object for each, however many seeds have it.
        self._keys: dict[Key, Key] = {}

    def curves(self, seed: int) -> CurvesOfSeed:
        """Return the curves of one seed.

        Raises:
            ResultsError: The table has none.
        """
        if seed not in self._of_seed:
            raise ResultsError(f"{self._path}: no curve of seed {seed}")
        if seed not in self._gathered:
            trials, scores = self._of_seed[seed]
            found = {self._keys.setdefault(known, known): curve for known, curve in _curves(trials, scores)}
            self._gathered[seed] = CurvesOfSeed(curves=found, seconds=self._seconds, seconds_by=self.header.seconds_by)
        return self._gathered[seed]


def is_timed(parameters: Parameters, space: Space) -> bool:
    """Whether a configuration is one of those whose seconds are measured where heads are trained side by side.

    They have the default of everything but what decides how long an epoch takes.
    """
    return all(parameters[name] == domain.default for name, domain in space.tuned.items() if name not in _COST)


def _rows(seed: int, trials: Sequence[Trial], cell: Cell, *, where: Path) -> Iterator[dict[str, object]]:
    longest: dict[Key, Trial] = {}
    chains = TrialChains()
    for trial in trials:
        ancestors = chains.after(trial.parent)
        chains.add(trial.number, trial)
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
        rows = _of_trial(seed, trial, ancestors)
        is_known = not cell.recorded_side_by_side or is_timed(trial.parameters, cell.space)
        yield from rows if is_known else ({**row, **_NO_SECONDS} for row in rows)


def _agree(one: Trial, other: Trial) -> bool:
    pairs = zip(one.epochs, other.epochs, strict=False)
    return all((a.epoch, a.val_score, a.loss) == (b.epoch, b.val_score, b.loss) for a, b in pairs)


def _of_trial(seed: int, trial: Trial, ancestors: Sequence[int]) -> Iterator[dict[str, object]]:
    trained_s = sum(epoch.train_s or 0.0 for epoch in trial.epochs)
    whole = {
        "seed": seed,
        **{f"{PARAMETER}{name}": value for name, value in trial.parameters.items()},
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


def _columns_of_seeds(frame: pl.DataFrame) -> Iterator[tuple[int, tuple[pl.DataFrame, ScoreColumns]]]:
    """Yield each seed with a row for each of its trials, and the scores of its epochs, trial after trial."""
    import polars as pl  # noqa: PLC0415 - see above

    trial = ["continues", *(name for name in frame.columns if name.startswith(PARAMETER))]
    ordered = frame.sort("seed", *trial, "epoch")
    for (seed,), rows in ordered.partition_by("seed", as_dict=True).items():
        epochs = rows.with_row_index("row").group_by(trial, maintain_order=True)
        trials = epochs.agg(
            pl.col("row", "last_epoch", "outcome", "reason").first(),
            pl.col("epoch").first().alias("first_epoch"),
            pl.col("epoch").count().alias("count"),
        )
        absent = {"val_score": _UNSCORED, "loss": math.nan, "test_score": _UNSCORED}
        columns = (rows[name].cast(pl.Float64).fill_null(value) for name, value in absent.items())
        yield seed, (trials, ScoreColumns(*(array("d", column.to_numpy().tobytes()) for column in columns)))


def _curves(trials: pl.DataFrame, scores: ScoreColumns) -> Iterator[tuple[Key, Curve]]:
    names = sorted(name for name in trials.columns if name.startswith(PARAMETER))
    short = [name.removeprefix(PARAMETER) for name in names]
    values = zip(*([_rounded(value) for value in trials[name]] for name in names), strict=True)
    others = ("continues", "row", "first_epoch", "count", "last_epoch", "outcome", "reason")
    for chosen, (continues, row, first, count, last, outcome, reason) in zip(
        values, trials.select(others).iter_rows(), strict=True
    ):
        ancestors = tuple(int(number) for number in continues.split(",") if number)
        curve = Curve(scores, row, first or 0, count, last, Outcome(outcome), reason)
        yield (tuple(zip(short, chosen, strict=True)), ancestors), curve


def _seconds(frame: pl.DataFrame, seconds_by: Sequence[str]) -> dict[tuple[Value | None, ...], Seconds]:
    import polars as pl  # noqa: PLC0415 - see above

    cost = [f"{PARAMETER}{name}" for name in seconds_by]
    rows = frame.with_columns(pl.lit(None).alias(name) for name in cost if name not in frame.columns)
    of_epochs = rows.group_by(cost).agg(pl.col(_OF_EPOCHS).median())
    trial = ["seed", "continues", *(name for name in rows.columns if name.startswith(PARAMETER))]
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


def _rounded(value: Value) -> Value:
    return float(f"{value:.12g}") if isinstance(value, float) else value
