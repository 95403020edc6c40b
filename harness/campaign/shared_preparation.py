"""What cells share, computed before any of them is searched."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from harness import cache_inventory
from harness.campaign import record_assembly, worker_ends
from harness.campaign.events import DataKnown, EpochEnds, PreparationBegins
from harness.campaign.worker_attempts import Bench, Work, WorkerEnd
from harness.campaign.worker_progress import Progress
from harness.cells import Cell
from harness.datasets import data_summary
from harness.errors import UserError
from harness.executors import Slot
from harness.record_schema import DataTable, WorkerOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparations:
    """Has data and frozen layers' activations computed.

    ``lost`` says, by key, why that could not be done; ``told`` names the data sets of which the watcher knows.
    """

    bench: Bench
    lost: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def due(self, cells: Iterable[Cell]) -> Iterator[Cell | None]:
        """Yield a cell for each preparation that was neither done nor lost by then.

        None stands for "none just now", as another run is making the one that is next.
        """
        for cell in cells:
            if cell.curves is not None:
                # Nothing is trained.
                continue
            key = cache_inventory.key_of(cell)
            while not self._is_over(cell, key):
                if not self.bench.preparations.take(key):
                    yield None
                elif self._is_over(cell, key):
                    # Made by another between the look and the claim.
                    self.bench.preparations.bring_home(key)
                else:
                    yield cell

    def _is_over(self, cell: Cell, key: str) -> bool:
        prepared = cache_inventory.prepared(self.bench.cache, key)
        if prepared is not None:
            self._tell(cell, prepared)
        return prepared is not None or key in self.lost

    def work(self, cell: Cell, slot: Slot) -> Work:
        """Return the preparation that a cell shares.

        Raises:
            PermissionError: It would have nowhere to leave what it computes.
        """
        if self.bench.cache.exists() and not os.access(self.bench.cache, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.bench.cache))
        self.bench.watch(PreparationBegins(cell=cell))
        key = cache_inventory.key_of(cell)
        folder = self.bench.preparations.folder(key)
        folder.write_cell(cell)
        is_ours = partial(self.bench.preparations.holds, key)
        return Work(cell=cell, folder=folder, program="prepare", bench=self.bench, slot=slot, is_ours=is_ours)

    def advances(self, cell: Cell, progress: Progress) -> None:
        """Tell whoever watches."""
        self.bench.watch(EpochEnds(cell=cell, progress=progress))

    def ends(self, work: Work, left: WorkerEnd) -> None:
        """Mark it as done, or lost: to the machine, or to a crash; what another run has taken over is that one's.

        Raises:
            UserError: Data or weights are unusable.
        """
        names, key = work.cell.names, cache_inventory.key_of(work.cell)
        if left.is_lost:
            self.bench.preparations.bring_home(key)
            return
        record_assembly.sweep(work.folder)
        with suppress(OSError):
            # It may be the disk that is in trouble.
            record_assembly.publish(work.cell, work.folder)
        why = self._why_lost(work, left)
        self.bench.preparations.bring_home(key)
        if why is not None:
            self.lost[key] = f"preparing {names.dataset} for {names.backbone}: {why}"
        elif left.outcome is not None:
            self._take(work.cell, left.outcome)

    def _take(self, cell: Cell, outcome: WorkerOutcome) -> None:
        facts, names = outcome.data, cell.names
        if outcome.status != "completed":
            left_over = f"; of the data set are left: {data_summary.line(facts)}" if facts.told else ""
            raise UserError(f"{names.dataset}, {names.backbone}: {outcome.reason}{left_over}")
        kept = cache_inventory.kept_for(cell, outcome.kept, cache=self.bench.cache)
        cache_inventory.mark_prepared(self.bench.cache, cache_inventory.key_of(cell), data=facts, kept=kept)
        self._tell(cell, facts)

    def _tell(self, cell: Cell, facts: DataTable) -> None:
        name = cell.names.dataset
        if facts.told and name not in self.told:
            self.told.add(name)
            self.bench.watch(DataKnown(dataset=name, facts=facts))

    def _why_lost(self, work: Work, left: WorkerEnd) -> str | None:
        if left.outcome is None:
            return worker_ends.told(left.ended, work.folder)
        if left.outcome.crashed:
            log = self.bench.folder.preparation(cache_inventory.key_of(work.cell)).log
            return f"{left.outcome.reason}; traceback: {log.relative_to(self.bench.folder.path)}"
        return None
