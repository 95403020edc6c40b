"""Record a matrix's learning curves once, or take those of others, and replay searches on them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness import matrix as matrices
from harness import prices as price_lists
from harness.api import given_paths
from harness.campaign import curve_import, curve_recording, curve_replay, events
from harness.campaign.curve_import import CurveImport
from harness.campaign.curve_recording import Recorded
from harness.campaign.curve_replay import Thinking
from harness.campaign.limits import Limits
from harness.campaign.run import Request, Run
from harness.compare.replay_agreement import ReplayAgreement
from harness.errors import UserError
from harness.executors import slots
from harness.matrix import Matrix
from harness.matrix_schema import Metric
from harness.placement.executor_choice import Start, Where
from harness.results_folder import MatrixFolder


def record(
    matrix: Matrix | str | Path,
    *,
    results: str | Path = given_paths.RESULTS,
    cache: str | Path | None = None,
    executor: str = "auto",
    at_once: int | None = None,
    start: Start = "warm",
    max_hours: float | None = None,
    side_by_side: bool = False,
    watch: events.Watch = events.ignore,
) -> Recorded:
    """Train every configuration of a matrix's grids for each of its seeds, and write a table of curves for each group.

    It goes on where an earlier call was interrupted. Tuners are not run; what is recorded beyond full trainings are
    the continuations that the matrix's tuners may ask for.

    Args:
        matrix: What to record, or its file; each hyperparameter set is a grid of choices, or of ranges with steps.
        results: Folder that ``NAME-recorded`` goes into, with the tables.
        cache: As for ``run``.
        executor: As for ``run``.
        at_once: As for ``run``.
        start: As for ``run``.
        max_hours: As for ``run``.
        side_by_side: Train all frozen heads of a batch size in one graph, several times as fast: curves are those of
            heads trained alone up to rounding.
        watch: As for ``run``.

    Raises:
        UserError: A hyperparameter has no end of values, or the matrix can't be followed as asked.
        MachineError: The machine can't run it; says the way out.
    """
    asked = _loaded(matrix)
    where = Where(executor=executor, at_once=at_once, start=start)
    request = _request(results, cache, where, Limits(max_hours=max_hours))
    return curve_recording.record(asked, request, side_by_side=side_by_side, watch=watch)


def replay(
    tables: Sequence[str | Path],
    *,
    matrix: Matrix | str | Path | None = None,
    results: str | Path = given_paths.RESULTS,
    seeds: int | None = None,
    thinking: Thinking = "measured",
    at_once: int | None = None,
    watch: events.Watch = events.ignore,
) -> Run:
    """Search recorded curves with every tuner of a matrix.

    Args:
        tables: Files that ``record`` wrote; without ``matrix`` all of one.
        matrix: Whose tuners, budget, seeds and rules hold, or its file; the recorded one by default. Its data, models,
            grids and protocol are those that were recorded.
        results: Folder that ``NAME-replayed`` goes into.
        seeds: Seeds of each tuner, from 1; by default those that were recorded.
        thinking: ``measured``, or ``none``: tuners' own thinking takes no time, and equal replays are equal to the bit.
        at_once: Searches that run side by side; by default one on each core.
        watch: As for ``run``.

    Raises:
        UserError: Files are no tables, of several matrices, or not of what the matrix trains.
        ResultsError: A table can't be read.
    """
    asked = None if matrix is None else _loaded(matrix)
    request = _of_replay(results, at_once)
    return curve_replay.replay(_given(tables), request, matrix=asked, seeds=seeds, thinking=thinking, watch=watch)


def check(
    tables: Sequence[str | Path],
    real: str | Path,
    *,
    at_once: int | None = None,
    watch: events.Watch = events.ignore,
) -> ReplayAgreement:
    """Replay the finished searches of a run that were made on recorded grids, and compare each; nothing is kept.

    Args:
        tables: Files that ``record`` wrote, all of one matrix.
        real: The folder of a run's results, ``results/NAME``.
        at_once: As for ``replay``.
        watch: As for ``run``.

    Raises:
        UserError: Files are no tables, or no finished search is of what they were recorded of.
        ResultsError: A file can't be read.
    """
    folder = MatrixFolder(given_paths.given(real, called="real"))
    with tempfile.TemporaryDirectory(prefix="harness-check-") as aside:
        return curve_replay.check(_given(tables), folder, _of_replay(aside, at_once), watch=watch)


def _loaded(matrix: Matrix | str | Path) -> Matrix:
    return matrix if isinstance(matrix, Matrix) else matrices.load(given_paths.given(matrix, called="matrix"))


def _given(tables: Sequence[str | Path]) -> list[Path]:
    paths = [given_paths.given(table, called="tables") for table in tables]
    if not paths:
        raise UserError("tables = []: give at least one that harness record wrote")
    return paths


def _of_replay(results: str | Path, at_once: int | None) -> Request:
    return replace(
        _request(results, None, Where(executor="local"), Limits()),
        mix_environments=True,
        replay_slots=slots.of_each_core() if at_once is None else slots.of_processors(at_once),
    )


def import_curves(
    path: str | Path,
    *,
    metric: Metric,
    name: str | None = None,
    tuners: Sequence[str] | None = None,
    budget_epochs: int | None = None,
    trial_epochs: int | None = None,
    results: str | Path = given_paths.RESULTS,
) -> Path:
    """Write a table of learning curves that others recorded, which ``replay`` takes; return it.

    Args:
        path: Parquet file with a row for each epoch (``harness.campaign.curve_import`` describes its columns).
        metric: What its scores are.
        name: What results are called; by default as the file.
        tuners: What is to search it; by default ``curve_import.TUNERS``.
        budget_epochs: Epochs that a search may spend; by default ten trials of all epochs.
        trial_epochs: Epochs of a trial; by default all that the file has.
        results: Folder that ``NAME-recorded`` goes into, with the table.

    Raises:
        ResultsError: The file can't be read, or its rows are no curves of a whole grid.
        UserError: A table is there already, or the curves make no matrix.
    """
    file = given_paths.given(path, called="path")
    asked = CurveImport(
        name=file.stem if name is None else name,
        metric=metric,
        tuners=curve_import.TUNERS if tuners is None else tuners,
        budget_epochs=budget_epochs,
        trial_epochs=trial_epochs,
    )
    into = given_paths.given(results, called="results") / f"{asked.name}-recorded"
    return curve_import.import_curves(file, asked, into=into)


def _request(results: str | Path, cache: str | Path | None, where: Where, limits: Limits) -> Request:
    return Request(
        results=given_paths.given(results, called="results"),
        cache=given_paths.cache_folder(
            given_paths.default_cache() if cache is None else given_paths.given(cache, called="cache")
        ),
        where=where,
        prices=price_lists.load(None),
        limits=limits,
    )
