"""What a matrix will take: epochs from its budgets, seconds from what earlier records of like cells took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from harness import files
from harness.catalogue import grid
from harness.cells import Cell
from harness.errors import ResultsError
from harness.model import Trial
from harness.records import CellFolder, Record, spent_wall_s
from harness.spec import Budget, Tuner

CALIBRATION_EPOCHS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What like cells took: ``fixed_s`` once for each search, ``epoch_s`` for each epoch with its share of thinking."""

    fixed_s: float
    epoch_s: float


Rates = Mapping[str, Sequence[Rate]]


def most_epochs(cell: Cell) -> int | None:
    """Return how many epochs the cell's search trains at most; None where its budget counts no epochs or trials."""
    full = cell.protocol.epochs_per_trial
    trials = [cell.budget.trials, 1 if cell.tuner.tuner == "default" else None]
    if cell.tuner.tuner.endswith("-grid"):
        trials.append(grid.grid_size(cell.space, int(cell.tuner.options.get("points", grid.DEFAULT_POINTS))))
    limits = [cell.budget.epochs, *(None if count is None else count * full for count in trials)]
    return min((limit for limit in limits if limit is not None), default=None)


def seconds(cell: Cell, rates: Rates) -> float | None:
    """Return the forecast of a cell's wall seconds; None where nothing like it was ever run here."""
    epochs = most_epochs(cell)
    known = rates.get(_like(cell, tuner=cell.tuner)) or rates.get(_like(cell, tuner=None))
    if epochs is None or not known:
        return None
    return fmean(rate.fixed_s for rate in known) + epochs * fmean(rate.epoch_s for rate in known)


def rates(folders: Iterable[CellFolder]) -> Rates:
    """Return what earlier cells took, under the key of like cells with the same tuner and of like cells with any.

    What can't be read says nothing of the time: it is left out.
    """
    found: dict[str, list[Rate]] = defaultdict(list)
    for cell, rate in filter(None, map(_read, folders)):
        found[_like(cell, tuner=cell.tuner)].append(rate)
        found[_like(cell, tuner=None)].append(rate)
    return found


def earlier(results: Path) -> list[CellFolder]:
    """Return every finished cell's folder under a results folder, calibrations included."""
    return [CellFolder(path.parent) for path in sorted(results.glob("**/cells/*/record.json"))]


def calibrations(cells: Sequence[Cell]) -> list[Cell]:
    """Return an untuned search of two epochs for each kind of cell."""
    kinds = {_like(cell, tuner=None): cell for cell in reversed(cells)}
    change = {"tuner": Tuner(tuner="default"), "budget": Budget(epochs=CALIBRATION_EPOCHS)}
    return [cell.model_copy(update=change) for cell in reversed(kinds.values())]


def _read(folder: CellFolder) -> tuple[Cell, Rate] | None:
    try:
        record, trials = folder.record(), folder.trials()
        cell = None if record is None else Cell.model_validate(record.cell)
    except (ResultsError, ValueError, TypeError, KeyError):
        return None
    rate = None if record is None else _rate(record, trials)
    return None if cell is None or rate is None else (cell, rate)


def _rate(record: Record, trials: list[Trial]) -> Rate | None:
    epochs = sum(trial.charged_epochs for trial in trials)
    if record.status != "completed" or epochs == 0:
        return None
    fixed = {**record.setup_phases}
    return Rate(
        fixed_s=sum(fixed.values()) - fixed.get("replay", 0.0) + record.closing_phases.get("shutdown", 0.0),
        epoch_s=spent_wall_s(trials) / epochs,
    )


def _like(cell: Cell, *, tuner: Tuner | None) -> str:
    """Return the key of cells that take equally long for an epoch, as far as is known before they run."""
    identity = cell.identity
    protocol = {name: identity["protocol"][name] for name in ("image_size", "determinism", "precision", "jit", "split")}
    named = None if tuner is None else tuner.model_dump()
    return files.digest([identity["dataset"], identity["backbone"], protocol, named])
