"""The record that a search leaves, made of what its worker left and how that ended."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from harness import environment, files
from harness.campaign import worker_ends
from harness.campaign.worker_attempts import WorkerEnd
from harness.cells import SCHEMA_VERSION, Asked, Cell
from harness.executors import Ended, Slot
from harness.record_schema import EnvironmentTable, EvidenceTable, WorkerOutcome
from harness.records import CellFolder, Record
from harness.search_types import Outcome, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a record says of the files beside it: trials, the processes that worked there, the end of the log."""

    trials: int
    trials_sha256: str | None
    attempts: int
    began_at: str
    log: Sequence[str] = ()


def record(cell: Cell, folder: CellFolder, left: WorkerEnd, *, slot: Slot, machine: Mapping[str, object]) -> Record:
    """Return the record of a search that ended on a slot, well or not; ``machine`` is what the host knows of where."""
    said = left.outcome or WorkerOutcome(status="failed", reason=worker_ends.told(left.ended, folder))
    trials = folder.trials()
    if said.environment is None:
        said = said.model_copy(update={"environment": EnvironmentTable.model_validate(machine)})
    beside = Beside(
        trials=len(trials),
        trials_sha256=folder.trials_sha256,
        attempts=_attempts(folder, said),
        began_at=folder.attempts()[-1].began_at,
        log=worker_ends.last_lines(folder),
    )
    made = of_outcome(cell, said, left.ended, beside=beside, slot=slot)
    if made.status == "completed" and not any(trial.epochs for trial in trials):
        reason = f"no trial had a score: {_reasons(trials)}{_limit(cell, trials, said.ended)}"
        return replace(made, status="failed", reason=reason)
    return made


def of_outcome(cell: Cell, said: WorkerOutcome, ended: Ended, *, beside: Beside, slot: Slot) -> Record:
    """Return the record of a search as its worker's outcome tells it."""
    setup, closing = dict(said.setup_phases), dict(said.closing_phases)
    if said.lived_s is not None:
        setup["startup"] = ended.launch_s + setup.get("startup", 0.0)
        closing["shutdown"] = ended.wall_s - ended.launch_s - said.lived_s
    return Record(
        schema_version=SCHEMA_VERSION,
        cell=Asked.model_validate_json(cell.published.model_dump_json()),
        status=said.status,
        ended=said.ended,
        reason=said.reason,
        started_at=said.started_at or beside.began_at,
        attempts=beside.attempts,
        trials=beside.trials,
        wall_s=ended.wall_s,
        setup_phases=setup,
        closing_phases=closing,
        peak_memory_bytes=said.peak_memory_bytes,
        energy=said.energy,
        device_peak_memory_bytes=said.device_peak_memory_bytes,
        data=said.data,
        model=said.model,
        environment=said.environment or EnvironmentTable(),
        evidence=EvidenceTable.model_validate(_evidence(ended, slot, beside.log)),
        busyness=said.busyness,
        trials_sha256=beside.trials_sha256,
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


def _evidence(ended: Ended, slot: Slot, log: Sequence[str]) -> dict[str, object]:
    seen = asdict(ended)
    return {
        **seen.pop("evidence"),
        **seen,
        "sources": environment.provenance(),
        "slot": slot.evidence,
        "log": list(log),
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
