"""A search whose trials are looked up in a table of learning curves."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harness import environment, tuners
from harness.catalogue.tuners import declared
from harness.cells import Cell, CurvesTable
from harness.errors import ResultsError, UserError
from harness.files import sha256_of
from harness.learning_curve_tables import CurveTable
from harness.meters import Usage
from harness.objectives.recorded_curves import RecordedCurves
from harness.phase_clock import Ledger
from harness.search_loop import Search
from harness.search_types import Epoch, Proposal, SearchBudget, Trial
from harness.tuners.thread_limits import Threads
from harness.virtual_clock import ThinkingTuner, VirtualClock
from harness.worker import tasks

_UNKNOWN = {"value": None, "reason": "replayed"}


def replay(cell: Cell, *, keep: Callable[[Trial], None], scratch: Path, started: float) -> dict[str, object]:
    """Search the cell in its table; return what the record keeps: of the machine, what the table's was.

    ``keep`` is given each trial as it ends. A table is read once, however many cells of this process are searched in
    it; ``scratch`` must be empty, as tuners' libraries write there.
    """
    began = time.monotonic()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    if cell.curves is None:
        raise UserError(f"{cell.names}: names no table of curves")
    table = _opened(_place(cell.curves), cell.curves.sha256)
    where = {
        **table.header.environment.told,
        "replayed": cell.curves.sha256,
        "searched_with": environment.lock_hash(),
    }
    tuners.load_library(cell.tuner, tasks.own_tuner(cell))
    with _threads(cell.protocol.tuner_threads, cell.tuner.tuner).bounded():
        ended, phases = _searched(cell, cell.curves, table, keep=keep, scratch=scratch, where=where)
    return {
        "status": "completed",
        "ended": ended,
        "started_at": started_at,
        "setup_phases": {"startup": began - started, **phases},
        "closing_phases": {},
        "lived_s": time.monotonic() - started,
        "peak_memory_bytes": _UNKNOWN,
        "device_peak_memory_bytes": _UNKNOWN,
        "energy": _UNKNOWN,
        "data": table.header.data.told,
        "model": table.header.model.told,
        "environment": where,
        "busyness": {},
    }


def _searched(
    cell: Cell,
    curves: CurvesTable,
    table: CurveTable,
    *,
    keep: Callable[[Trial], None],
    scratch: Path,
    where: dict[str, object],
) -> tuple[str, dict[str, float]]:
    """Return what ended the search, and the virtual seconds before its first ask by phase."""
    clock = VirtualClock(thinking=None if curves.thinking == "none" else time.thread_time)
    ledger = Ledger(clock=clock, started=0.0)
    with ledger.phase("ask"), clock.thinking():
        tuner = tasks.tuner_of(cell, scratch)
    # Making the tuner is its thinking, and the search's.
    setup = ledger.take()
    ledger.book("ask", setup.pop("ask", 0.0))
    search = Search(
        tuner=ThinkingTuner(tuner, clock),
        objective=RecordedCurves(
            table.curves(curves.seed),
            images_per_epoch=table.header.data.train or 0,
            clock=clock,
            ledger=ledger,
            keeps=declared(cell.tuner.tuner).continues,
        ),
        budget=SearchBudget(**cell.budget.model_dump()),
        ledger=ledger,
        usage=Usage(cpu_s=clock.cpu_s, energy=None),
        keep=keep,
        watch=_look_away,
        audit=cell.audit,
        usd_per_hour=tasks.usd_per_hour(cell, where),
        patience=cell.protocol.patience,
    )
    return search.run(), setup


def _look_away(number: int, proposal: Proposal, epoch: Epoch) -> None:
    """Watch nothing: whole searches take less time than a look at them."""


@cache
def _opened(path: Path, sha256: str) -> CurveTable:
    if sha256_of(path) != sha256:
        raise ResultsError(f"{path}: changed since the replay began; run it again")
    return CurveTable(path)


@cache
def _threads(most: int, tuner: str) -> Threads:
    """Return the bound on a tuner's threads: looked for once for each, as it may bring libraries of its own."""
    del tuner
    return Threads(most)


def _place(table: CurvesTable) -> Path:
    """Return where a table of curves lies on this machine."""
    if table.path is None:
        raise UserError(f"a table of curves ({table.sha256[:12]}) has no place on this machine; replay it again")
    return Path(table.path)
