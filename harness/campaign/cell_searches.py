"""Each cell's search, and what becomes of it: a sealed record, or a missing cell with its reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from harness import cache_inventory, files
from harness.campaign import record_assembly, worker_ends
from harness.campaign.events import CellBegins, CellDisturbed, CellEnds, EpochEnds, Remark, State
from harness.campaign.worker_attempts import Bench, Work, WorkerEnd, now
from harness.campaign.worker_progress import Progress
from harness.cells import Cell
from harness.errors import ResultsError
from harness.executors import Slot
from harness.meters import busyness
from harness.records import CellFolder

# Seconds between two looks at what other runs are at.
LOOK_S = 1.0


def _any(_cell: Cell) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """Has cells searched; those whose preparation was ``lost``, for the reason given there, are missing.

    ``ended`` are the ids of those that came to an end, be they sealed or missing; ``at_work`` those that are searched.
    """

    bench: Bench
    lost: Mapping[str, str]
    ended: set[str] = field(default_factory=set)
    at_work: set[str] = field(default_factory=set)
    clock: Callable[[], float] = time.monotonic

    def possible(self, cells: Iterable[Cell], affords: Callable[[Cell], bool] = _any) -> Iterator[Cell | None]:
        """Yield the cells that can be searched; leave the others as they are, each at its turn.

        Where several runs share the cells, None stands for "none just now, as others are at all that are left"; what
        they don't finish comes later. The iteration ends at a cell that ``affords`` has no room for.
        """
        waiting = {cell.id: cell for cell in cells}
        while waiting:
            began, ended = self.clock(), len(self.ended)
            for cell in tuple(waiting.values()):
                if self._is_over(cell):
                    del waiting[cell.id]
                elif cell.id in self.at_work or self.bench.cells.is_taken(cell.id):
                    continue
                elif not affords(cell):
                    return
                elif self.bench.cells.take(cell.id):
                    yield from self._searched(cell)
            while waiting and len(self.ended) == ended and self.clock() - began < LOOK_S:
                yield None

    def _searched(self, cell: Cell) -> Iterator[Cell]:
        reason = self.lost.get(cache_inventory.key_of(cell))
        if reason is None:
            self.at_work.add(cell.id)
            yield cell
        else:
            self._leave(cell, reason)

    def _is_over(self, cell: Cell) -> bool:
        """Whether nothing more is to come of a cell: this run has ended it and no other is at it, or another has."""
        if cell.id in self.ended:
            return not self.bench.cells.is_taken(cell.id)
        if not self.bench.cells.is_finished(cell.id):
            return False
        folder = self.bench.folder.cell(cell.id)
        record = folder.record()
        reason, wall_s = (None, 0.0) if record is None else (files.without_home(record.reason), record.wall_s or 0.0)
        self._tell_end(cell, reason=reason, best_score=_best_score(folder), wall_s=wall_s)
        return True

    def work(self, cell: Cell, slot: Slot) -> Work:
        """Return the cell's search; an earlier one, which failed, is set aside only now."""
        folder, cells = self.bench.cells.folder(cell.id), self.bench.cells
        if folder.record() is not None:
            record_assembly.sweep(folder)
            folder.set_aside()
        folder.write_cell(cell)
        self.bench.watch(CellBegins(cell=cell))
        is_ours = partial(cells.holds, cell.id)
        return Work(cell=cell, folder=folder, program=_program(cell), bench=self.bench, slot=slot, is_ours=is_ours)

    def advances(self, cell: Cell, progress: Progress) -> None:
        """Tell whoever watches."""
        self.bench.watch(EpochEnds(cell=cell, progress=progress))

    def ends(self, work: Work, left: WorkerEnd) -> None:
        """Seal the search's record; where the machine was at fault, leave what there is for a later run."""
        self.at_work.discard(work.cell.id)
        try:
            if left.is_lost or not self._is_kept(work, left):
                self._tell_loss(work.cell)
        except (OSError, LookupError, ResultsError):
            # What another run has taken away is not there to be read.
            if self.bench.cells.holds(work.cell.id):
                raise
            self._tell_loss(work.cell)

    def _is_kept(self, work: Work, left: WorkerEnd) -> bool:
        folder, disturbance = work.folder, None
        if left.is_machine_trouble:
            with suppress(OSError):
                # It may be the disk that is in trouble.
                record_assembly.publish(work.cell, folder)
            reason: str | None = worker_ends.told(left.ended, folder)
        else:
            record_assembly.publish(work.cell, folder)
            machine = self.bench.facts(work.slot)
            record = record_assembly.record(work.cell, folder, left, slot=work.slot, machine=machine)
            folder.seal(record)
            reason, disturbance = files.without_home(record.reason), busyness.disturbance(record.busyness)
            record_assembly.sweep(folder)
        if not self.bench.cells.bring_home(work.cell.id):
            return False
        best_score = _best_score(self.bench.folder.cell(work.cell.id))
        self._tell_end(work.cell, reason=reason, best_score=best_score, wall_s=left.ended.wall_s)
        if disturbance is not None:
            self.bench.watch(CellDisturbed(cell=work.cell, by=disturbance))
        return True

    def _tell_loss(self, cell: Cell) -> None:
        self.bench.cells.bring_home(cell.id)
        text = f"{cell.names}: taken over by another run, as this one had stood still; what that one finds counts"
        self.bench.watch(Remark(text=text))

    def _leave(self, cell: Cell, reason: str) -> None:
        """Leave a cell without a search as it is: missing, or with the failure that was to be repeated."""
        folder = self.bench.cells.folder(cell.id)
        if folder.record() is None:
            folder.write_cell(cell.published)
            folder.note_attempt({"program": "prepare", "began_at": now(), "reason": reason})
        self.bench.cells.bring_home(cell.id)
        self._tell_end(cell, reason=reason, best_score=None, wall_s=0.0)

    def _tell_end(self, cell: Cell, *, reason: str | None, best_score: float | None, wall_s: float) -> None:
        self.ended.add(cell.id)
        became = state(self.bench.folder.cell(cell.id))
        self.bench.watch(CellEnds(cell=cell, state=became, reason=reason, best_score=best_score, wall_s=wall_s))


def _program(cell: Cell) -> str:
    return "search" if cell.curves is None else "replay"


def state(folder: CellFolder) -> State:
    """Return what became of a cell."""
    record = folder.record()
    if record is None:
        return State.MISSING
    return State.OK if record.status == "completed" else State.FAILED


def _best_score(folder: CellFolder) -> float | None:
    try:
        return max((epoch.val_score for trial in folder.trials() for epoch in trial.epochs), default=None)
    except ResultsError:
        # Which is the reason why the cell is missing.
        return None


def is_pending(folder: CellFolder, *, retry_failed: bool) -> bool:
    """Return whether a run would search a cell: one without a record or, where that is asked for, a failed one.

    Beside a record that can't be read nothing is written: it may yet be made readable.
    """
    try:
        return state(folder) in ((State.MISSING, State.FAILED) if retry_failed else (State.MISSING,))
    except ResultsError:
        return False


def damage(folder: CellFolder) -> str | None:
    """Return what is wrong with the files of a finished search, and the way out; None where nothing is."""
    try:
        folder.sealed()
    except ResultsError as error:
        return str(error)
    return None
