"""``harness show``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from harness import files, result_stores
from harness.cells import Cell
from harness.cli import printing, streams
from harness.errors import ResultsError
from harness.records import CellFolder, Record
from harness.reports.report_types import TableSection
from harness.score_names import name_of
from harness.search_types import Trial
from harness.text_sanitising import counted


def show(cell: str, *, results: Path, as_json: bool) -> None:
    """Print a cell's record and trials."""
    store = result_stores.of(results)
    for line in () if store is None else store.fetch_all():
        streams.say(line, sys.stderr)
    folder = find(cell, results)
    sealed = folder.sealed()
    record = None if sealed is None else sealed.record
    trials = folder.trials() if sealed is None else sealed.trials
    if as_json:
        document = {"record": None if record is None else record.document, "trials": [asdict(t) for t in trials]}
        streams.document(document)
        return
    cell_itself = folder.cell()
    _print_cell(folder, cell_itself, record)
    score = name_of(cell_itself.protocol.metric)
    if printing.table(_trial_table(trials, tuned=set(cell_itself.space.tuned), score=score)):
        printing.say("a wider terminal shows all seconds, and --json everything")
    printing.say(f"log: {folder.log}")


def find(cell: str, results: Path) -> CellFolder:
    """Return the folder of the one cell whose id is so, or begins so.

    Raises:
        ResultsError: There is none, or more than one.
        OSError: There is none where the disk lets anyone look.
    """
    refused: list[OSError] = []
    begun = [path for path in sorted(_cells(results, refused)) if _is_meant(path, cell) and path.is_dir()]
    # A copy beside a cell, made by a cloud or by hand, begins as the cell does.
    found = [path for path in begun if cell in (path.name, _long_name(path))] or begun
    if len(found) == 1:
        return CellFolder(found[0])
    if not found and refused:
        raise refused[0]
    if not found:
        raise ResultsError(f"{results}: no cell begins with '{cell}'; harness plan MATRIX lists the ids")
    several = ", ".join([_long_name(path) for path in found[:5]] + ["…"] * (len(found) > 5))  # noqa: PLR2004 - a line
    raise ResultsError(f"{results}: {len(found)} cells begin with '{cell}' ({several}); give more, or MATRIX/ID")


def _cells(results: Path, refused: list[OSError]) -> Iterator[Path]:
    """Yield every cell's folder; take note of what the disk refuses, which ``Path.glob`` passes over."""
    for matrix in _inside(results, refused):
        yield from _inside(matrix / "cells", refused)


def _inside(folder: Path, refused: list[OSError]) -> list[Path]:
    try:
        return list(folder.iterdir())
    except files.WRONG_PATH:
        return []
    except OSError as error:
        refused.append(error)
        return []


def _is_meant(path: Path, cell: str) -> bool:
    # Two matrices may share a cell, so that its id alone can't tell the folders apart.
    return path.name.startswith(cell) or _long_name(path).startswith(cell)


def _long_name(path: Path) -> str:
    return f"{path.parent.parent.name}/{path.name}"


def _print_cell(folder: CellFolder, cell: Cell, record: Record | None) -> None:
    names = cell.names
    printing.say(f"{folder.path.name}: {names.dataset} · {names.backbone} · {names.hyperparameters} · {names.tuner}")
    printing.say(f"seed {cell.seed}, tuner {cell.tuner.tuner}, pruner {cell.tuner.pruner}")
    for name, table in cell.domains.items():
        told = (f"{key} {value}" for key, value in table.told.items() if value is not None)
        printing.say(f"  {name}: {', '.join(told)}")
    if record is None:
        last = folder.attempts()[-1:]
        why = f": {last[0].reason or 'interrupted'}" if last else ""
        printing.say(f"not finished{why}")
        return
    how = f"{record.status}, ended by {record.ended or record.reason}, {record.wall_s:.1f} total s"
    printing.say(how)
    phases = {**record.setup_phases, **{f"closing {k}": v for k, v in record.closing_phases.items()}}
    printing.say("  around the trials: " + ", ".join(f"{name} {value:.2f} s" for name, value in phases.items()))
    for file, reason in record.data.unreadable:
        printing.say(f"  unreadable: {file}: {reason}")


def _trial_table(trials: Sequence[Trial], *, tuned: set[str], score: str) -> TableSection:
    rows = []
    for trial in trials:
        parameters = ", ".join(f"{name} {_short(value)}" for name, value in trial.parameters.items() if name in tuned)
        epochs = f"{trial.first_epoch}–{trial.first_epoch + trial.charged_epochs - 1} of {trial.last_epoch}"
        seconds = (f"{trial.phases.get(name, 0.0):.3f}" for name in ("ask", "train", "tell"))
        outcome = trial.outcome if trial.reason is None else f"{trial.outcome}: {trial.reason}"
        rows.append(
            [str(trial.number), parameters, epochs, outcome, _score(trial.score), _score(trial.test_score), *seconds]
        )
    return TableSection(
        heading=counted(len(trials), "trial"),
        columns=[
            "trial",
            "parameters",
            "epochs",
            "outcome",
            f"best {score}",
            f"test {score}",
            "ask s",
            "train s",
            "tell s",
        ],
        rows=rows,
        text_columns=4,
        optional=("ask s", "tell s", "train s"),
    )


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
