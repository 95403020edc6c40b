"""Workers started through an executor, and the seconds that starting them takes."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

from harness.cells import Cell
from harness.errors import MACHINE_TROUBLE_EXIT
from harness.executors import WHOLE, Ended, Executor
from harness.records import CellFolder

TIMEOUT_S = 300.0


def start_up_s(executor: Executor, cell: Cell, path: Path, cache: Path) -> float:
    """Return the seconds from asking for a worker to its first work, as its own ledger has booked them."""
    folder = CellFolder(path)
    folder.write_cell(cell)
    ended = run(executor, "search", folder, cache)
    outcome = folder.outcome()
    if outcome is None or outcome.status != "completed":
        raise RuntimeError(f"the worker ended as {ended}, leaving {outcome}: {folder.log.read_text('utf-8')}")
    return float(outcome.setup_phases["startup"])


def turned_away_s(executor: Executor, cell: Cell, path: Path, cache: Path) -> float:
    """Return the seconds that a worker takes of its executor which finds its folder taken, and imports no trainer."""
    folder = CellFolder(path)
    folder.write_cell(cell)
    with folder.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        ended = run(executor, "search", folder, cache)
        wall_s = time.monotonic() - began
    if ended.exit_code != MACHINE_TROUBLE_EXIT:
        raise RuntimeError(f"the worker ended as {ended}: {folder.log.read_text('utf-8')}")
    return wall_s


def run(executor: Executor, program: str, folder: CellFolder, cache: Path) -> Ended:
    """Start a worker, and return its end once its executor is done with it."""
    running = executor.start(program, folder.path, cache=cache, log=folder.log, slot=WHOLE)
    ended = running.wait(TIMEOUT_S)
    return running.stop() if ended is None else ended
