"""A program at work on one cell: its worker is started, and once more where the machine was at fault."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from harness import environment
from harness.campaign import claims, gpu_metering, worker_ends
from harness.campaign.claims import Claims
from harness.campaign.events import Remark, Watch
from harness.campaign.folder_limit import FolderLimit
from harness.campaign.runs_at_work import Presence
from harness.campaign.worker_progress import Progress, ProgressFile
from harness.cells import Cell
from harness.errors import HarnessError
from harness.executors import Cause, Devices, Ended, Executor, Running, Slot
from harness.meters.gpu_meter import GpuMeter
from harness.record_schema import WorkerOutcome
from harness.records import CellFolder
from harness.results_folder import MatrixFolder

# The machine's trouble is tried once more before a cell is left missing. That others had a right to the machine is no
# trouble, and no attempt.
ATTEMPTS = 2
# A worker that has left its outcome has nothing more to do; ending takes it a second.
GRACE_S = 60.0


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every program of a campaign is run with."""

    folder: MatrixFolder
    executor: Executor
    cache: Path
    watch: Watch
    presence: Presence | None = None
    folder_gib: float = math.inf

    @property
    def cells(self) -> Claims:
        """Which cells are this run's to search."""
        return claims.of(self.folder, "cells", self.presence)

    @property
    def preparations(self) -> Claims:
        """Which preparations are this run's to make."""
        return claims.of(self.folder, "preparations", self.presence)

    def facts(self, slot: Slot) -> dict[str, object]:
        """Return what is known here of where a worker on a slot ran: machine and software, as far as they are ours."""
        if self.executor.devices is Devices.ELSEWHERE:
            return {}
        # A container has this machine, and software of its own.
        shared = environment.machine_facts() if self.executor.devices is Devices.OF_SLOT else environment.facts()
        return {**shared, **slot.facts}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnd:
    """How a program's last worker ended, and the outcome that it left, if any.

    ``is_lost`` where another run has taken the cell over meanwhile: nothing of it is this run's any more.
    """

    ended: Ended
    outcome: WorkerOutcome | None
    is_lost: bool = False

    @property
    def is_machine_trouble(self) -> bool:
        """True where the machine, not the search, brought the end."""
        return self.outcome is None and worker_ends.is_machine_trouble(self.ended)


@dataclass(slots=True, kw_only=True)
class Work:
    """A program (``search``, ``prepare`` or ``save``) for a cell on a slot, through as many workers as it takes."""

    cell: Cell
    folder: CellFolder
    program: str
    bench: Bench
    slot: Slot
    clock: Callable[[], float] = time.monotonic
    is_ours: Callable[[], bool] = _always
    _attempts: int = 0
    _done_at: float | None = None
    _running: Running | None = None
    _progress: ProgressFile = field(init=False)
    _meter: GpuMeter = field(init=False)
    _limit: FolderLimit = field(init=False)
    _note: dict[str, object] = field(default_factory=dict)

    def begin(self) -> None:
        """Start a worker."""
        try:
            self._begin()
        except (OSError, HarnessError):
            # Where another run has taken the folder away, that is told at the next look.
            if self.is_ours():
                raise

    def _begin(self) -> None:
        self.folder.clear_outcome()
        # What an earlier process wrote would be read as this one's.
        self.folder.progress.unlink(missing_ok=True)
        self._progress = ProgressFile(self.folder.progress)
        self._note = {"program": self.program, "began_at": now()}
        self._done_at = None
        self._limit = FolderLimit(path=self.folder.path, limit_gib=self.bench.folder_gib, clock=self.clock)
        self._meter = gpu_metering.meter_for(self.bench.executor, self.slot)
        self._running = self.bench.executor.start(
            self.program, self.folder.path, cache=self.bench.cache, log=self.folder.log, slot=self.slot
        )

    def poll(self, timeout_s: float) -> WorkerEnd | None:
        """Wait for the end, at most so long; return None while there is more to wait for."""
        if not self.is_ours():
            return self._lost()
        try:
            return self._polled(timeout_s)
        except OSError:
            if self.is_ours():
                raise
            return self._lost()

    def _polled(self, timeout_s: float) -> WorkerEnd | None:
        ended = None if self._running is None else self._waited(self._running, timeout_s)
        if ended is None:
            self._meter.sample()
            return None
        left = self._noted(ended)
        if ended.cause is Cause.HALTED:
            self.bench.watch(Remark(text=f"{self.folder.path}: {ended.detail}; its worker was ended"))
        if ended.cause is Cause.PREEMPTED:
            self.bench.watch(Remark(text=f"{self.folder.path}: {ended.detail}; it goes on as soon as it may"))
        else:
            self._attempts += 1
        if left.is_machine_trouble and self._attempts < ATTEMPTS:
            self.begin()
            return None
        return left

    def _lost(self) -> WorkerEnd:
        """End the worker without a note, as the folder is another run's."""
        running, self._running = self._running, None
        ended = Ended(exit_code=None, signal=None, wall_s=0.0) if running is None else running.stop()
        return WorkerEnd(ended=ended, outcome=None, is_lost=True)

    def latest(self) -> Progress | None:
        """Return the newest epoch, or None where there is no new one."""
        return self._progress.latest()

    def stop(self) -> None:
        """End the worker, if one is at work, and note that it was interrupted."""
        if self._running is not None:
            ended, self._running = gpu_metering.with_readings(self._running.stop(), self._meter), None
            if self.is_ours():
                self.folder.note_attempt({**self._note, **asdict(ended), "interrupted": True})

    def _is_stuck(self) -> bool:
        """Whether the worker has left its outcome and doesn't end: it was stopped, or waits for what it started."""
        if self._done_at is None and self.folder.has_outcome:
            self._done_at = self.clock()
        return self._done_at is not None and self.clock() - self._done_at > GRACE_S

    def _waited(self, running: Running, timeout_s: float) -> Ended | None:
        ended = running.wait(timeout_s)
        if ended is not None:
            return ended
        if not self._is_stuck():
            # What has left its outcome writes nothing more.
            excess = self._limit.excess() if self._done_at is None else None
            return None if excess is None else replace(running.stop(), cause=Cause.FOLDER_LIMIT, detail=excess)
        said = f"{self.folder.path}: its worker had left its outcome and did not end in {GRACE_S:g} s; it was ended"
        self.bench.watch(Remark(text=said))
        self._note["forced"] = True
        return running.stop()

    def _noted(self, ended: Ended) -> WorkerEnd:
        self._running = None
        ended = gpu_metering.with_readings(worker_ends.with_files_read(ended, self.folder), self._meter)
        went_well = ended.exit_code == 0 and ended.cause is None
        reason = None if went_well else worker_ends.told(ended, self.folder)
        self.folder.note_attempt({**self._note, **asdict(ended), "reason": reason})
        readable = ended.cause is not Cause.UNREADABLE_OUTCOME
        return WorkerEnd(ended=ended, outcome=self.folder.outcome() if readable else None)


def now() -> str:
    """Return the time of day, as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
