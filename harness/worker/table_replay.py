"""A search whose trials are looked up in a table of learning curves."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from harness import environment, learning_curve_tables, tuners
from harness.catalogue.tuners import declared
from harness.cells import Cell, CurvesTable
from harness.errors import ResultsError
from harness.files import sha256_of
from harness.learning_curve_tables import Header
from harness.objectives.recorded_curves import RecordedCurves
from harness.phase_clock import Ledger
from harness.records import CellFolder
from harness.tuners.thread_limits import Threads
from harness.virtual_clock import VirtualClock
from harness.worker import tasks

_UNKNOWN = {"value": None, "reason": "replayed"}


def replay(cell: Cell, folder: CellFolder, table: CurvesTable, *, started: float) -> dict[str, object]:
    """Search the cell in a table; return what the record keeps: of the machine, what the table's was."""
    began = time.monotonic()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    found = _header(table)
    curves = learning_curve_tables.read(tasks.path_of(table), table.seed)
    tuners.load_library(cell.tuner, None if cell.tuner_file is None else cell.tuner_file.told)
    threads = Threads(cell.protocol.tuner_threads)
    clock = VirtualClock(thinking=None if table.thinking == "none" else time.thread_time)
    ledger = Ledger(clock=clock, started=0.0)
    folder.mend()
    objective = RecordedCurves(
        curves,
        images_per_epoch=found.data.train or 0,
        clock=clock,
        ledger=ledger,
        keeps=declared(cell.tuner.tuner).continues,
        earlier=folder.trials(),
    )
    where = {**found.environment.told, "replayed": table.sha256, "searched_with": environment.lock_hash()}
    ran = tasks.searched(cell, folder, objective, ledger=ledger, energy=None, threads=threads, where=where, clock=clock)
    return {
        "status": "completed",
        "ended": ran.ended,
        "started_at": started_at,
        "setup_phases": {"startup": began - started, **ran.phases},
        "closing_phases": {},
        "lived_s": time.monotonic() - started,
        "peak_memory_bytes": _UNKNOWN,
        "device_peak_memory_bytes": _UNKNOWN,
        "energy": _UNKNOWN,
        "data": found.data.told,
        "model": found.model.told,
        "environment": where,
        "busyness": {},
    }


def _header(table: CurvesTable) -> Header:
    path = tasks.path_of(table)
    if sha256_of(path) != table.sha256:
        raise ResultsError(f"{path}: changed since the replay began; run it again")
    return learning_curve_tables.header(path)
