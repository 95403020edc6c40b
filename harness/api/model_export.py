"""The best model of each group, trained again and saved as a file that needs nothing of the harness."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from harness import atomic_folders, cache_inventory, files
from harness.analysis.best_configurations import Winner
from harness.api.results import Results
from harness.campaign import matrix_resolution, model_export
from harness.campaign.events import Watch
from harness.campaign.folder_holding import only_one
from harness.campaign.model_export import SavedModel
from harness.campaign.worker_attempts import Bench
from harness.cells import Cell
from harness.errors import ResultsError, UserError
from harness.matrix import Matrix
from harness.placement import required_libraries
from harness.placement.executor_choice import Where
from harness.plots.all_plots import places_of
from harness.reports import model_card
from harness.results_folder import GroupName


def save(
    matrix: Matrix,
    found: Results,
    winners: Sequence[Winner],
    *,
    into: Path,
    cache: Path,
    where: Where,
    watch: Watch,
) -> Mapping[GroupName, Path]:
    """Save the model of each winner into a folder of its own in ``into``; return these, by group.

    A folder holds ``model.keras``, ``labels.json`` (the classes, in the order of the model's outputs) and a card,
    ``README.md``.

    Raises:
        UserError: A folder is there already, or a model can't be saved.
        ResultsError: There is no winner, or the matrix has its search no longer as it was.
        MachineError: The machine can't train here.
    """
    won = {winner.group.name: winner for winner in winners if winner.search is not None}
    if not won:
        raise ResultsError(f"{found.path}: no search ended with a score, so there is no model to save")
    folders = _folders(into, list(won.values()))
    with (
        only_one(found.folder),
        cache_inventory.used(cache),
        where.in_image_of(matrix.spec.container).working(
            campaign=found.folder.path,
            container=matrix.spec.container,
            device=matrix.spec.device,
            admit=partial(required_libraries.check, matrix),
        ) as here,
    ):
        identity = here.executor.identity()
        resolved = matrix_resolution.resolve(matrix, cache=cache, results=found.path.parent, identity=identity)
        cells = _cells(won, {cell.id: cell for cell in resolved.cells}, found)
        bench = Bench(folder=found.folder, executor=here.executor, cache=cache, watch=watch)
        saved = model_export.run(list({cell.id: cell for cell in cells.values()}.values()), here.slots[:1], bench=bench)
        for group, cell in cells.items():
            _write(folders[group], won[group], cell, saved[cell.id], matrix=matrix.name)
        for each in saved.values():
            shutil.rmtree(each.folder.path.parent, ignore_errors=True)
    return folders


def _folders(into: Path, winners: Sequence[Winner]) -> dict[GroupName, Path]:
    """Return a folder for each winner.

    Raises:
        UserError: One is there already, or can't be made.
    """
    found = {place.group.name: place.folder for place in places_of(into, [winner.group for winner in winners])}
    try:
        into.mkdir(parents=True, exist_ok=True)
    except files.WRONG_PATH as error:
        raise UserError(f"{into}: can't be made ({error.strerror}); name another folder with --save") from error
    for folder in found.values():
        if folder.exists():
            raise UserError(f"{folder}: is there already; move it away, or name another folder with --save")
    return found


def _cells(won: Mapping[GroupName, Winner], planned: Mapping[str, Cell], found: Results) -> dict[GroupName, Cell]:
    """Return the cell of each winner as it is here.

    Raises:
        ResultsError: Its search was another one than the matrix asks for here.
    """
    cells = {}
    for group, winner in won.items():
        search = winner.search
        if search is None:
            continue
        if search.planned.id not in planned:
            raise ResultsError(
                f"{found.path}: {search.planned.name}: its data, weights, settings or packages, or the harness, are no "
                f"longer what they were, and its model would be another; run the matrix again"
            )
        cells[group] = planned[search.planned.id]
    return cells


def _write(folder: Path, winner: Winner, cell: Cell, saved: SavedModel, *, matrix: str) -> None:
    today = dt.datetime.now(dt.UTC).date()

    def build(aside: Path) -> None:
        shutil.copyfile(saved.folder.model, aside / "model.keras")
        files.write_json(aside / "labels.json", saved.data.classes)
        told = model_card.text(winner, cell, saved.measured, saved.data, matrix=matrix, date=today)
        files.write_atomically(aside / "README.md", told.encode())

    atomic_folders.folder(folder, build)
