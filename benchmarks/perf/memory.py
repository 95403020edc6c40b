"""Resident memory of a process that trains many trials."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.perf import searches
from harness.cells import Cell
from harness.records import CellFolder
from harness.search_types import Trial
from harness.worker import training_data
from harness.worker.objective_assembly import objective_for


def resident_after(cell: Cell, path: Path, cache: Path, counts: tuple[int, ...]) -> dict[int, int]:
    """Search the cell; return the resident bytes after each of these numbers of trials."""
    folder = CellFolder(path)
    resident: dict[int, int] = {}

    def keep(trial: Trial) -> None:
        folder.append(trial)
        if trial.number + 1 in counts:
            resident[trial.number + 1] = resident_bytes()

    ledger = searches.started(cell)
    data = training_data.load(cell, cache)
    objective = objective_for(cell, data, ledger=ledger, checkpoints=folder.checkpoints)
    objective.prepare(cell.space.defaults)
    searches.search_of(cell, objective, ledger=ledger, folder=folder, keep=keep).run()
    return resident


def resident_bytes() -> int:
    """Return VmRSS of this process, which Linux alone tells."""
    status = Path("/proc/self/status").read_text("ascii")
    found = re.search(r"^VmRSS:\s*(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise RuntimeError("/proc/self/status names no VmRSS")
    return int(found.group(1)) * 1024
