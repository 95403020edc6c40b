"""What a matrix will take: epochs from its budgets, seconds from what earlier records of like cells took."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from harness import files
from harness.catalogue import grid_points
from harness.cells import Cell
from harness.errors import ResultsError
from harness.matrix_schema import Budget, TunerSection
from harness.phase_clock import BUILD, DEVICE
from harness.prices import Prices
from harness.records import CellFolder, Record, spent_wall_s
from harness.search_types import Trial

CALIBRATION_EPOCHS = 2
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a like cell took: ``fixed_s`` once for its search, ``epoch_s`` for each epoch with its share of thinking.

    Builds are in ``fixed_s``, whenever they happened. ``device_epoch_s`` is what of an epoch was training and
    evaluation; ``usd_per_hour`` the price of its machine, None where it has none.
    """

    fixed_s: float
    epoch_s: float
    device_epoch_s: float
    usd_per_hour: float | None


Rates = Mapping[str, Sequence[Rate]]


def most_epochs(cell: Cell) -> int | None:
    """Return how many epochs the cell's search trains at most; None where its budget counts no epochs or trials."""
    full = cell.protocol.epochs_per_trial
    trials = [cell.budget.trials, 1 if cell.tuner.tuner == "default" else None]
    if cell.tuner.tuner.endswith("-grid"):
        trials.append(
            grid_points.grid_size(cell.space, int(cell.tuner.options.get("points", grid_points.DEFAULT_POINTS)))
        )
    limits = [cell.budget.epochs, *(None if count is None else count * full for count in trials)]
    return min((limit for limit in limits if limit is not None), default=None)


def known(cell: Cell, rates: Rates) -> Sequence[Rate]:
    """Return what earlier cells like this one took: those with the same tuner if there are any, else all."""
    return next((found for key in likes(cell) if (found := rates.get(key))), ())


def likes(cell: Cell) -> tuple[str, str]:
    """Return the keys of ``Rates`` under which like cells stand: those with the same tuner, and those with any."""
    return _like(cell, tuner=cell.tuner), _like(cell, tuner=None)


def seconds(cell: Cell, rates: Rates) -> float | None:
    """Return the forecast of a cell's wall seconds; None where nothing like it was ever run here."""
    values = [wall_s(cell, rate) for rate in known(cell, rates)]
    listed = [value for value in values if value is not None]
    return fmean(listed) if listed and len(listed) == len(values) else None


def wall_s(cell: Cell, rate: Rate) -> float | None:
    """Return the seconds that the cell takes at ``rate``, up to the first limit of its budget."""
    searching = _searching_s(cell, rate)
    return None if searching is None else rate.fixed_s + searching


def device_s(cell: Cell, rate: Rate) -> float | None:
    """Return what of these seconds is training and evaluation."""
    searching = _searching_s(cell, rate)
    if searching is None:
        return None
    return searching * rate.device_epoch_s / rate.epoch_s if rate.epoch_s > 0 else 0.0


def rates(folders: Iterable[CellFolder], *, price_list: Prices) -> Rates:
    """Return what earlier cells took, under the key of like cells with the same tuner and of like cells with any.

    What can't be read says nothing of the time: it is left out.
    """
    return _added({}, folders, price_list)


class GrowingRates:
    """What cells took, those of the run under way included; each record is read once."""

    def __init__(self, results: Path, *, price_list: Prices) -> None:
        """Begin with none."""
        self._results = results
        self._prices = price_list
        self._seen: set[Path] = set()
        self._rates: dict[str, list[Rate]] = {}

    @property
    def rates(self) -> Rates:
        """What is known as of now."""
        new = [folder for folder in earlier(self._results) if folder.path not in self._seen]
        self._seen.update(folder.path for folder in new)
        return _added(self._rates, new, self._prices)

    def seconds(self, cell: Cell) -> float | None:
        """Return the forecast of a cell's wall seconds; None where nothing like it was ever run here."""
        return seconds(cell, self.rates)


def earlier(results: Path) -> list[CellFolder]:
    """Return every finished cell's folder under a results folder, calibrations included.

    Folders may go while they are looked through: others share the results.
    """
    found = []
    for path, folders, _ in os.walk(results):
        if Path(path).name == "cells":
            found += [Path(path, name) for name in folders if Path(path, name, "record.json").is_file()]
            folders.clear()
    return [CellFolder(path) for path in sorted(found)]


def calibrations(cells: Sequence[Cell]) -> list[Cell]:
    """Return an untuned search of two epochs for each kind of cell."""
    kinds = {_like(cell, tuner=None): cell for cell in reversed(cells)}
    change = {"tuner": TunerSection(tuner="default"), "budget": Budget(epochs=CALIBRATION_EPOCHS)}
    return [cell.model_copy(update=change) for cell in reversed(kinds.values())]


def _added(found: dict[str, list[Rate]], folders: Iterable[CellFolder], price_list: Prices) -> dict[str, list[Rate]]:
    for cell, rate in filter(None, (_read(folder, price_list) for folder in folders)):
        for key in likes(cell):
            found.setdefault(key, []).append(rate)
    return found


def _read(folder: CellFolder, price_list: Prices) -> tuple[Cell, Rate] | None:
    try:
        found = folder.sealed()
        if found is None:
            return None
        cell = found.cell if found.cell is not None else Cell.model_validate(found.record.cell.told)
    except (ResultsError, ValueError):
        return None
    rate = _rate(found.record, found.trials, price_list)
    return None if rate is None else (cell, rate)


def _rate(record: Record, trials: Sequence[Trial], price_list: Prices) -> Rate | None:
    epochs = sum(trial.charged_epochs for trial in trials)
    if record.status != "completed" or epochs == 0:
        return None
    return Rate(
        fixed_s=_of_set_up(record) + sum(trial.phases.get(name, 0.0) for trial in trials for name in BUILD),
        epoch_s=spent_wall_s(trials) / epochs,
        device_epoch_s=sum(trial.phases.get(name, 0.0) for trial in trials for name in DEVICE) / epochs,
        usd_per_hour=price_list.per_hour(record.environment).value,
    )


def _of_set_up(record: Record) -> float:
    fixed = record.setup_phases
    return sum(fixed.values()) - fixed.get("replay", 0.0) + record.closing_phases.get("shutdown", 0.0)


def _searching_s(cell: Cell, rate: Rate) -> float | None:
    """Return the seconds on the search's clock until the first limit; None where the budget names none that counts."""
    budget, epochs = cell.budget, most_epochs(cell)
    limits = [
        None if epochs is None else epochs * rate.epoch_s,
        budget.wall_s,
        _by_ratio(budget.device_s, rate.epoch_s, rate.device_epoch_s),
        _by_ratio(budget.cost_usd, _SECONDS_PER_HOUR, rate.usd_per_hour),
    ]
    return min((limit for limit in limits if limit is not None), default=None)


def _by_ratio(limit: float | None, per_s: float, spent: float | None) -> float | None:
    """Return when a limit is reached of which so much is ``spent`` in ``per_s`` seconds; None where it never is."""
    return limit * per_s / spent if limit is not None and spent else None


def _like(cell: Cell, *, tuner: TunerSection | None) -> str:
    """Return the key of cells that take equally long for an epoch, as far as is known before they run."""
    identity = cell.identity
    asked = ("image_size", "determinism", "precision", "jit", "split", "augmentation")
    protocol = {name: identity["protocol"].get(name) for name in asked}
    named = None if tuner is None else tuner.model_dump()
    return files.digest([identity["dataset"], identity["backbone"], protocol, named])
