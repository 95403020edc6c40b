"""One worker after another: prepare what cells share, search each cell, seal its record."""

from __future__ import annotations

import fcntl
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from harness import environment, files
from harness.campaign import devices
from harness.campaign.watching import ProgressFile, State, Watcher
from harness.cells import SCHEMA_VERSION, Cell
from harness.errors import MACHINE_TROUBLE_EXIT, ResultsError, UserError
from harness.executors import OWN_SIGNALS, Cause, Ended, Executor
from harness.model import Trial
from harness.plans import MatrixFolder
from harness.records import CellFolder, Record

# The machine's trouble is tried once more before a cell is left missing.
ATTEMPTS = 2
_POLL_S = 0.1
_LOG_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs cells into one matrix folder through one executor."""

    folder: MatrixFolder
    executor: Executor
    cache: Path
    watcher: Watcher

    def run(self, cells: Sequence[Cell], *, retry_failed: bool) -> Counter[State]:
        """Run every cell that has no sealed record yet; return how many ended how, earlier ones included.

        Cells whose data or weights this machine could not prepare are missing; the others run.

        Raises:
            UserError: Data or weights turned out unusable; no search of this wave was begun.
        """
        # Two names may stand for the same bytes: then one search is both.
        distinct = in_turns(list({cell.id: cell for cell in reversed(cells)}.values())[::-1])
        pending = [cell for cell in distinct if not self._finished(cell, retry_failed=retry_failed)]
        self.watcher.begins(total=len(distinct), finished=len(distinct) - len(pending))
        lost: dict[str, str] = {}
        for cell in pending:
            self._prepare(cell, lost)
        for cell in pending:
            reason = lost.get(preparation_key(cell))
            if reason is None:
                self._run_cell(cell)
            else:
                self._leave_missing(cell, reason)
        return Counter(self._state(cell) for cell in distinct)

    def _finished(self, cell: Cell, *, retry_failed: bool) -> bool:
        folder = self.folder.cell(cell.id)
        record = folder.record()
        if record is None:
            return False
        # A kill may have come between the sealing and the sweeping.
        _sweep(folder)
        if record.status == "failed" and retry_failed:
            folder.set_aside()
            return False
        return True

    def _state(self, cell: Cell) -> State:
        record = self.folder.cell(cell.id).record()
        if record is None:
            return State.MISSING
        return State.OK if record.status == "completed" else State.FAILED

    def _prepare(self, cell: Cell, lost: dict[str, str]) -> None:
        """Compute what the cell shares with others, unless that was done or lost for one of them."""
        key = preparation_key(cell)
        done = self.cache / "prepared" / key
        if done.exists() or key in lost:
            return
        self.watcher.prepares(cell)
        folder = self.folder.preparation(key)
        folder.write_cell(cell)
        ended, outcome = self._attempts(cell, folder, "prepare")
        _sweep(folder)
        if outcome is None:
            lost[key] = f"preparing {cell.names.dataset} for {cell.names.backbone}: {_how(ended, folder)}"
            return
        if outcome["status"] != "completed":
            raise UserError(f"{cell.names.dataset}, {cell.names.backbone}: {outcome['reason']}")
        files.write_atomically(done, b"")

    def _leave_missing(self, cell: Cell, reason: str) -> None:
        folder = self.folder.cell(cell.id)
        folder.write_cell(cell)
        folder.note_attempt({"program": "prepare", "began_at": _now(), "reason": reason})
        self.watcher.cell_begins(cell)
        self.watcher.cell_ends(cell, State.MISSING, reason=reason, best_f1=None, wall_s=0.0)

    def _run_cell(self, cell: Cell) -> None:
        folder = self.folder.cell(cell.id)
        folder.write_cell(cell)
        self.watcher.cell_begins(cell)
        ended, outcome = self._attempts(cell, folder, "search")
        reason = None
        if outcome is None and _is_machine_trouble(ended):
            reason = _how(ended, folder)
        else:
            record = _record(cell, folder, ended, outcome)
            folder.seal(record)
            reason = record.reason
            _sweep(folder)
        best = max((epoch.val_f1 for trial in folder.trials() for epoch in trial.epochs), default=None)
        self.watcher.cell_ends(cell, self._state(cell), reason=reason, best_f1=best, wall_s=ended.wall_s)

    def _attempts(self, cell: Cell, folder: CellFolder, program: str) -> tuple[Ended, dict[str, Any] | None]:
        """Start the program, again where the machine was at fault; return its end and what it left."""
        for _ in range(ATTEMPTS):
            ended = self._attempt(cell, folder, program)
            outcome = None if ended.cause is Cause.UNREADABLE_OUTCOME else folder.outcome()
            if outcome is not None or not _is_machine_trouble(ended):
                break
        return ended, outcome

    def _attempt(self, cell: Cell, folder: CellFolder, program: str) -> Ended:
        folder.clear_outcome()
        # What an earlier process wrote would be read as this one's.
        folder.progress.unlink(missing_ok=True)
        progress = ProgressFile(folder.progress)
        note = {"program": program, "began_at": _now()}
        meter = devices.meter_for(self.executor)
        running = self.executor.start(program, folder.path, cache=self.cache, log=folder.log)
        try:
            while (ended := running.wait(_POLL_S)) is None:
                meter.sample()
                latest = progress.latest()
                if latest is not None:
                    self.watcher.cell_advances(cell, latest)
        except BaseException:
            ended = devices.with_readings(running.stop(), meter)
            folder.note_attempt({**note, **asdict(ended), "interrupted": True})
            raise
        ended = devices.with_readings(_with_outcome_read(ended, folder), meter)
        went_well = ended.exit_code == 0 and ended.cause is None
        folder.note_attempt({**note, **asdict(ended), "reason": None if went_well else _how(ended, folder)})
        return ended


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
        _sweep_half_written(folder.path)
        yield


def _opened(folder: MatrixFolder) -> IO[str]:
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        return folder.lock.open("w")
    except OSError as error:
        raise ResultsError(
            f"{folder.path}: can't be written ({error.strerror}); choose another folder with --results"
        ) from error


def in_turns(cells: Sequence[Cell]) -> list[Cell]:
    """Return ``cells`` with another tuner going first for each seed.

    A machine that grows slower while it runs, by heat for example, would otherwise slow the same tuner each time.
    """
    seeds = list(dict.fromkeys(cell.seed for cell in cells))
    ordered: list[Cell] = []
    for (seed, _), together in groupby(cells, key=lambda cell: (cell.seed, cell.group)):
        tuners = list(together)
        first = seeds.index(seed) % len(tuners)
        ordered += tuners[first:] + tuners[:first]
    return ordered


def preparation_key(cell: Cell) -> str:
    """Return what cells that share their preparation have in common, hashed."""
    identity = cell.identity
    return files.digest(
        {
            **{part: identity[part] for part in ("dataset", "backbone", "environment", "code")},
            "image_size": cell.protocol.image_size,
            "precision": cell.protocol.precision,
            "seed": cell.seed if cell.backbone.weights == "none" else None,
        }
    )[:16]


def _sweep(folder: CellFolder) -> None:
    """Take away what only a running search needs, and what a kill left half-written."""
    folder.clear_outcome()
    _sweep_half_written(folder.path)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    shutil.rmtree(folder.scratch, ignore_errors=True)


def _sweep_half_written(folder: Path) -> None:
    for aside in files.asides(folder):
        aside.unlink()


def _record(cell: Cell, folder: CellFolder, ended: Ended, outcome: dict[str, Any] | None) -> Record:
    left = outcome or {"status": "failed", "reason": _how(ended, folder)}
    trials = folder.trials()
    scored = any(trial.epochs for trial in trials)
    status, reason = left["status"], left.get("reason")
    if status == "completed" and not scored:
        status, reason = "failed", f"no trial had a score: {_reasons(trials)}"
    closing = dict(left.get("closing_phases", {}))
    if "finished" in left:
        closing["shutdown"] = ended.finished - left["finished"]
    unknown = {"value": None, "reason": "the worker ended before it could say"}
    return Record(
        schema_version=SCHEMA_VERSION,
        cell=cell.model_dump(mode="json"),
        status=status,
        ended=left.get("ended"),
        reason=reason,
        started_at=left.get("started_at", folder.attempts()[-1]["began_at"]),
        attempts=_attempts(folder, left),
        trials=len(trials),
        wall_s=ended.wall_s,
        setup_phases=left.get("setup_phases", {}),
        closing_phases=closing,
        peak_memory_bytes=left.get("peak_memory_bytes", unknown),
        energy=left.get("energy", unknown),
        device_peak_memory_bytes=left.get("device_peak_memory_bytes", unknown),
        data=left.get("data", {}),
        model=left.get("model", {}),
        environment=left.get("environment", environment.facts()),
        evidence=_evidence(ended, folder),
    )


def _evidence(ended: Ended, folder: CellFolder) -> dict[str, Any]:
    told = asdict(ended)
    return {**told.pop("evidence"), **told, "log": _last_lines(folder)}


def _attempts(folder: CellFolder, left: Mapping[str, Any]) -> int:
    """Count the processes; one that was killed with its host was never noted, but left trials to be replayed."""
    noted = [attempt["program"] for attempt in folder.attempts()].count("search")
    return max(noted, 2) if "replay" in left.get("setup_phases", {}) else noted


def _reasons(trials: Sequence[Trial]) -> str:
    if not trials:
        return "no trial was run"
    counts = Counter(str(trial.outcome) for trial in trials)
    first = next((trial.reason for trial in trials if trial.reason), "no reason was given")
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) + f" ({first})"


def _with_outcome_read(ended: Ended, folder: CellFolder) -> Ended:
    """Return ``ended``, or the disk's trouble where what the worker left can't be read: it is written whole."""
    try:
        folder.outcome()
    except ResultsError as error:
        return replace(ended, cause=Cause.UNREADABLE_OUTCOME, detail=str(error))
    return ended


def _is_machine_trouble(ended: Ended) -> bool:
    if ended.cause is not None:
        return ended.cause.is_trouble
    return (ended.signal is not None and ended.signal not in OWN_SIGNALS) or ended.exit_code == MACHINE_TROUBLE_EXIT


def _how(ended: Ended, folder: CellFolder) -> str:
    if ended.cause is not None:
        return f"{ended.cause}: {ended.detail}"
    last = _last_lines(folder)
    how = f"killed by {ended.signal}" if ended.signal is not None else f"exit code {ended.exit_code}"
    return f"{how}: {last[-1]}" if last else how


def _last_lines(folder: CellFolder) -> list[str]:
    if not folder.log.exists():
        return []
    lines = folder.log.read_text("utf-8", errors="replace").splitlines()
    return [line[:500] for line in lines[-_LOG_LINES:]]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
