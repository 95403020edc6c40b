"""A matrix's cells run into its folder: prepare what cells share, search each cell, seal its record."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.campaign import scheduling, sealing
from harness.campaign.attempts import Bench
from harness.campaign.preparing import Preparations
from harness.campaign.searching import Searches, state
from harness.campaign.watching import State, Watcher
from harness.cells import Cell
from harness.errors import ResultsError
from harness.executors import WHOLE, Executor, Slot
from harness.plans import MatrixFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs cells into one matrix folder through one executor, as many at once as there are slots."""

    folder: MatrixFolder
    executor: Executor
    cache: Path
    watcher: Watcher
    slots: Sequence[Slot] = (WHOLE,)

    def run(self, cells: Sequence[Cell], *, retry_failed: bool) -> Counter[State]:
        """Run every cell that has no sealed record yet; return how many ended how, earlier ones included.

        Cells whose data or weights this machine could not prepare are missing; the others run. What they share is
        prepared before any search, by one worker after another that each have the first slot's GPU and all processors.

        Raises:
            UserError: Data or weights turned out unusable; no search of this wave was begun.
        """
        # Two names may stand for the same bytes: then one search is both.
        distinct = scheduling.in_turns(list({cell.id: cell for cell in reversed(cells)}.values())[::-1])
        pending = [cell for cell in distinct if not self._finished(cell, retry_failed=retry_failed)]
        self.watcher.begins(total=len(distinct), finished=len(distinct) - len(pending))
        bench = Bench(folder=self.folder, executor=self.executor, cache=self.cache, watcher=self.watcher)
        preparations = Preparations(bench=bench)
        scheduling.run(preparations.due(pending), (self.slots[0].alone,), desk=preparations)
        searches = Searches(bench=bench, lost=preparations.lost)
        scheduling.run(searches.possible(pending), self.slots, desk=searches)
        return Counter(state(self.folder.cell(cell.id)) for cell in distinct)

    def _finished(self, cell: Cell, *, retry_failed: bool) -> bool:
        folder = self.folder.cell(cell.id)
        record = folder.record()
        if record is None:
            return False
        # A kill may have come between the sealing and the sweeping.
        sealing.sweep(folder)
        if record.status == "failed" and retry_failed:
            folder.set_aside()
            return False
        return True


@contextmanager
def only_one(folder: MatrixFolder) -> Iterator[None]:
    """Hold the matrix folder, so that no two campaigns write into it at once."""
    with _opened(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResultsError(
                f"{folder.path}: another run is writing here; wait for it, or choose another folder with --results"
            ) from error
        sealing.sweep_half_written(folder.path)
        yield


def _opened(folder: MatrixFolder) -> IO[str]:
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        return folder.lock.open("w")
    except OSError as error:
        raise ResultsError(
            f"{folder.path}: can't be written ({error.strerror}); choose another folder with --results"
        ) from error
