"""The record that a search leaves, made of what its worker left and how that ended."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from harness import environment, files
from harness.campaign import worker_ends
from harness.campaign.worker_attempts import WorkerEnd
from harness.cells import SCHEMA_VERSION, Asked, Cell
from harness.executors import Slot
from harness.record_schema import EnvironmentTable, EvidenceTable, WorkerOutcome
from harness.records import CellFolder, Record
from harness.search_types import Outcome, Trial


def record(cell: Cell, folder: CellFolder, left: WorkerEnd, *, slot: Slot, machine: Mapping[str, object]) -> Record:
    """Return the record of a search that ended on a slot, well or not; ``machine`` is what the host knows of where."""
    ended = left.ended
    said = left.outcome or WorkerOutcome(status="failed", reason=worker_ends.told(ended, folder))
    trials = folder.trials()
    scored = any(trial.epochs for trial in trials)
    status, reason = said.status, said.reason
    if status == "completed" and not scored:
        status, reason = "failed", f"no trial had a score: {_reasons(trials)}{_limit(cell, trials, said.ended)}"
    setup, closing = dict(said.setup_phases), dict(said.closing_phases)
    if said.lived_s is not None:
        setup["startup"] = ended.launch_s + setup.get("startup", 0.0)
        closing["shutdown"] = ended.wall_s - ended.launch_s - said.lived_s
    return Record(
        schema_version=SCHEMA_VERSION,
        cell=Asked.model_validate_json(cell.published.model_dump_json()),
        status=status,
        ended=said.ended,
        reason=reason,
        started_at=said.started_at or folder.attempts()[-1].began_at,
        attempts=_attempts(folder, said),
        trials=len(trials),
        wall_s=ended.wall_s,
        setup_phases=setup,
        closing_phases=closing,
        peak_memory_bytes=said.peak_memory_bytes,
        energy=said.energy,
        device_peak_memory_bytes=said.device_peak_memory_bytes,
        data=said.data,
        model=said.model,
        environment=said.environment or EnvironmentTable.model_validate(machine),
        evidence=EvidenceTable.model_validate(_evidence(left, folder, slot)),
        busyness=said.busyness,
        trials_sha256=folder.trials_sha256,
    )


def publish(cell: Cell, folder: CellFolder) -> None:
    """Let what a worker was told, and what it printed, name nobody's folders any more."""
    folder.write_cell(cell.published)
    printed = files.read_plain(folder.log).decode("utf-8", errors="surrogateescape") if folder.log.is_file() else ""
    anonymous = files.without_home(printed)
    if anonymous != printed:
        files.write_atomically(folder.log, anonymous.encode("utf-8", errors="surrogateescape"))


def sweep(folder: CellFolder) -> None:
    """Take away what only a running search needs, and what a kill left half-written."""
    folder.clear_outcome()
    sweep_half_written(folder.path)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    shutil.rmtree(folder.scratch, ignore_errors=True)


def sweep_half_written(folder: Path) -> None:
    """Take away what a kill left half-written."""
    for aside in files.asides(folder):
        aside.unlink()


def _evidence(left: WorkerEnd, folder: CellFolder, slot: Slot) -> dict[str, object]:
    seen = asdict(left.ended)
    return {
        **seen.pop("evidence"),
        **seen,
        "sources": environment.provenance(),
        "slot": slot.evidence,
        "log": worker_ends.last_lines(folder),
    }


def _attempts(folder: CellFolder, said: WorkerOutcome) -> int:
    """Count the processes; one that was killed with its host was never noted, but left trials to be replayed."""
    noted = sum(attempt.program in ("search", "replay") for attempt in folder.attempts())
    return max(noted, 2) if "replay" in said.setup_phases else noted


def _limit(cell: Cell, trials: Sequence[Trial], ended: str | None) -> str:
    """Name the limit that ended a search before anything could be scored, as that can be raised; "" if none did."""
    if any(trial.outcome is not Outcome.CUT for trial in trials):
        return ""
    _, _, limit = (ended or "").partition("budget: ")
    value = getattr(cell.budget, limit) if limit in type(cell.budget).model_fields else None
    return "" if value is None else f"; budget.{limit} = {value:g} ended the search: raise it"


def _reasons(trials: Sequence[Trial]) -> str:
    if not trials:
        return "no trial was run"
    counts = Counter(str(trial.outcome) for trial in trials)
    first = next((trial.reason for trial in trials if trial.reason), "no reason was given")
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) + f" ({first})"
