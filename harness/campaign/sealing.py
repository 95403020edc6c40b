"""The record that a search leaves, made of what its worker left and how that ended."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import environment, files
from harness.campaign import worker_ends
from harness.campaign.attempts import WorkerEnd
from harness.cells import SCHEMA_VERSION, Cell
from harness.executors import Slot
from harness.records import CellFolder, Record
from harness.trials import Trial


def record(cell: Cell, folder: CellFolder, left: WorkerEnd, *, slot: Slot, machine: Mapping[str, Any]) -> Record:
    """Return the record of a search that ended on a slot, well or not; ``machine`` is what the host knows of where."""
    ended = left.ended
    said = left.outcome or {"status": "failed", "reason": worker_ends.told(ended, folder)}
    trials = folder.trials()
    scored = any(trial.epochs for trial in trials)
    status, reason = said["status"], said.get("reason")
    if status == "completed" and not scored:
        status, reason = "failed", f"no trial had a score: {_reasons(trials)}"
    setup, closing = dict(said.get("setup_phases", {})), dict(said.get("closing_phases", {}))
    if "lived_s" in said:
        setup["startup"] = ended.launch_s + setup.get("startup", 0.0)
        closing["shutdown"] = ended.wall_s - ended.launch_s - said["lived_s"]
    unknown = {"value": None, "reason": "the worker ended before it could say"}
    made = Record(
        schema_version=SCHEMA_VERSION,
        cell=cell.published.model_dump(mode="json"),
        status=status,
        ended=said.get("ended"),
        reason=reason,
        started_at=said.get("started_at", folder.attempts()[-1]["began_at"]),
        attempts=_attempts(folder, said),
        trials=len(trials),
        wall_s=ended.wall_s,
        setup_phases=setup,
        closing_phases=closing,
        peak_memory_bytes=said.get("peak_memory_bytes", unknown),
        energy=said.get("energy", unknown),
        device_peak_memory_bytes=said.get("device_peak_memory_bytes", unknown),
        data=said.get("data", {}),
        model=said.get("model", {}),
        environment=said.get("environment", machine),
        evidence=_evidence(left, folder, slot),
        busyness=said.get("busyness", {}),
        trials_sha256=folder.trials_sha256,
    )
    return Record(**files.without_home(asdict(made)))


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


def _evidence(left: WorkerEnd, folder: CellFolder, slot: Slot) -> dict[str, Any]:
    seen = asdict(left.ended)
    return {
        **seen.pop("evidence"),
        **seen,
        "sources": environment.provenance(),
        "slot": slot.evidence,
        "log": worker_ends.last_lines(folder),
    }


def _attempts(folder: CellFolder, said: Mapping[str, Any]) -> int:
    """Count the processes; one that was killed with its host was never noted, but left trials to be replayed."""
    noted = [attempt.get("program") for attempt in folder.attempts()].count("search")
    return max(noted, 2) if "replay" in said.get("setup_phases", {}) else noted


def _reasons(trials: Sequence[Trial]) -> str:
    if not trials:
        return "no trial was run"
    counts = Counter(str(trial.outcome) for trial in trials)
    first = next((trial.reason for trial in trials if trial.reason), "no reason was given")
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) + f" ({first})"
