"""Models that searches found, trained again by workers and left as files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness import cache_inventory
from harness.campaign import scheduling, worker_ends
from harness.campaign.events import Remark
from harness.campaign.shared_preparation import Preparations
from harness.campaign.worker_attempts import Bench, Work, WorkerEnd
from harness.campaign.worker_progress import Progress
from harness.cells import Cell
from harness.errors import MachineError, UserError
from harness.executors import Slot
from harness.record_schema import DataTable, Measured
from harness.records import CellFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModel:
    """A model in a folder of its own, what it scores, and what the worker says of its data."""

    folder: CellFolder
    measured: Measured
    data: DataTable


def run(cells: Sequence[Cell], slots: Sequence[Slot], *, bench: Bench) -> Mapping[str, SavedModel]:
    """Train the best epoch of each cell's recorded search again; return what was saved, by the cells' ids.

    Its folder in the matrix's is left to the caller.

    Raises:
        UserError: A model can't be saved, or data or weights turned out unusable.
        MachineError: The machine couldn't do it.
    """
    preparations = Preparations(bench=bench)
    scheduling.run(preparations.due(cells), (slots[0].alone,), desk=preparations)
    for cell in cells:
        if (why := preparations.lost.get(cache_inventory.key_of(cell))) is not None:
            raise MachineError(f"{why}; then run this again")
    desk = _Savings(bench=bench)
    scheduling.run(cells, slots, desk=desk)
    return desk.saved


@dataclass(frozen=True, slots=True, kw_only=True)
class _Savings:
    """Has models saved."""

    bench: Bench
    saved: dict[str, SavedModel] = field(default_factory=dict)

    def work(self, cell: Cell, slot: Slot) -> Work:
        """Return the saving of what the cell's search found; what a killed one left goes first."""
        names, folder = cell.names, self.bench.folder.saving(cell.id)
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.write_cell(cell)
        folder.take_trials(self.bench.folder.cell(cell.id))
        found = f"{names.dataset}, {names.backbone}, {names.hyperparameters}"
        self.bench.watch(Remark(text=f"training the best configuration again: {found}"))
        return Work(cell=cell, folder=folder, program="save", bench=self.bench, slot=slot)

    def advances(self, cell: Cell, progress: Progress) -> None:
        """Take note of nothing: it takes no longer than a trial."""

    def ends(self, work: Work, left: WorkerEnd) -> None:
        """Keep what was saved.

        Raises:
            UserError: The worker says why it can't be.
            MachineError: It ended without a word.
        """
        names = work.cell.names
        what = f"{names.dataset}, {names.backbone}, {names.hyperparameters}"
        if left.outcome is None:
            raise MachineError(f"{what}: no model was saved: {worker_ends.told(left.ended, work.folder)}")
        measured = left.outcome.saved
        if left.outcome.status != "completed" or measured is None:
            raise UserError(f"{what}: no model was saved: {left.outcome.reason}; log: {work.folder.log}")
        self.saved[work.cell.id] = SavedModel(folder=work.folder, measured=measured, data=left.outcome.data)
