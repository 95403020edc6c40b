"""What a search leaves on the disk: one folder for each cell, and this module alone knows its files' names."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from harness import files, record_schema, stored_file_validation
from harness.cells import SCHEMA_VERSION, Asked, Cell, Names
from harness.errors import ResultsError
from harness.phase_clock import on_the_clock
from harness.record_schema import STRICT, Attempt, BusynessTable, ReadingTable, StoredTable, WorkerOutcome
from harness.search_types import Epoch, Trial
from harness.stored_file_validation import MOVE_FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one cell asked for, what it resolved to and what happened; raw values only.

    ``setup_phases`` go from the start of the process to the first ask, ``closing_phases`` from the last tell to the
    end of the process; each trial carries its own. ``attempts`` counts the processes that worked at the cell.
    ``status`` is ``completed`` or ``failed``; ``ended`` says what ended the search, ``reason`` why it failed.
    ``busyness`` is what ``harness.meters.busyness`` read; empty in earlier records, and where the worker was killed.
    ``trials_sha256`` is that of the trials' file; unknown in earlier records. ``wall_s`` is unknown where another tool
    searched.
    """

    __pydantic_config__ = STRICT

    schema_version: int
    cell: Asked
    status: Literal["completed", "failed"]
    ended: str | None
    reason: str | None
    started_at: record_schema.Moment
    attempts: record_schema.Count
    trials: record_schema.Count
    wall_s: record_schema.Spent | None
    setup_phases: record_schema.Phases
    closing_phases: record_schema.Phases
    peak_memory_bytes: ReadingTable
    energy: ReadingTable
    device_peak_memory_bytes: ReadingTable
    data: record_schema.DataTable
    model: record_schema.BuiltTable
    environment: record_schema.EnvironmentTable
    evidence: record_schema.EvidenceTable
    busyness: BusynessTable = field(default_factory=BusynessTable)
    trials_sha256: str | None = None

    @property
    def document(self) -> dict[str, object]:
        """The same in JSON's terms: each table with all that it was written with."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value.told if isinstance(value, StoredTable) else value for name, value in held.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A finished search: its record, the trials that it was sealed with, and the cell where that is still at hand."""

    record: Record
    trials: Sequence[Trial]
    cell: Cell | None


@dataclass(frozen=True, slots=True)
class CellFolder:
    """The files of one cell: ``cell.json`` goes in, ``trials.jsonl`` grows, ``record.json`` seals it."""

    path: Path

    @property
    def log(self) -> Path:
        """All that the worker printed."""
        return self.path / "worker.log"

    @property
    def progress(self) -> Path:
        """A line for each epoch, for whoever watches; not a record."""
        return self.path / "progress.log"

    @property
    def lock(self) -> Path:
        """Held by the one worker that may write here."""
        return self.path / "lock"

    @property
    def checkpoints(self) -> Path:
        """Weights that later trials may continue from; gone once the record is sealed."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The Keras model that was trained again to be saved."""
        return self.path / "model.keras"

    def take_trials(self, other: CellFolder) -> None:
        """Hold the trials of another folder, in place of what is held here."""
        held = stored_file_validation.read(other.path / "trials.jsonl")
        files.write_atomically(self.path / "trials.jsonl", held or b"")

    @property
    def scratch(self) -> Path:
        """Whatever a tuner's library writes; never read back."""
        return self.path / "scratch"

    def write_cell(self, cell: Cell) -> None:
        """Say what is to be searched."""
        files.write_atomically(self.path / "cell.json", cell.model_dump_json(indent=1).encode())

    def cell(self) -> Cell:
        """Return what is to be searched.

        Raises:
            ResultsError: That can't be read, or is no cell.
        """
        path = self.path / "cell.json"
        text = stored_file_validation.read(path)
        if text is None:
            raise ResultsError(f"{path}: no such file; run the matrix again to write it anew")
        return stored_file_validation.checked(text, Cell, where=path)

    def rename(self, names: Names) -> None:
        """Say what the matrix calls the cell by now; nothing else of a cell that was searched ever changes."""
        path = self.path / "cell.json"
        text, called = stored_file_validation.read(path), names.model_dump()
        asked = None if text is None else stored_file_validation.table(text, where=path)
        if asked is not None and asked.get("names") != called:
            files.write_json(path, {**asked, "names": called})

    def append(self, trial: Trial) -> None:
        """Add a trial as one line that has reached the disk when this returns."""
        path = self.path / "trials.jsonl"
        with files.naming(path), path.open("ab") as stream:
            stream.write(line_of(trial))
            stream.flush()
            os.fsync(stream.fileno())

    def forget_trials(self) -> None:
        """Let a search that costs nothing begin anew."""
        (self.path / "trials.jsonl").unlink(missing_ok=True)

    def trials(self) -> list[Trial]:
        """Return the finished trials; a line torn by a kill is not one of them.

        Raises:
            ResultsError: A line is no trial, not as it was written, or not in its place.
        """
        path = self.path / "trials.jsonl"
        return _in_order(stored_file_validation.lines(stored_file_validation.read(path), Trial, path=path), path)

    @property
    def trials_sha256(self) -> str | None:
        """SHA-256 of the trials' file; None where there is none."""
        return _sha256(stored_file_validation.read(self.path / "trials.jsonl"))

    def sealed(self) -> Sealed | None:
        """Return the finished search, its files compared with one another; None where there is no record.

        Raises:
            ResultsError: A file can't be read, holds what it can't hold, or isn't of this search.
        """
        record = self.record()
        if record is None:
            return None
        path = self.path / "trials.jsonl"
        held = stored_file_validation.read(path)
        trials = _in_order(stored_file_validation.lines(held, Trial, path=path), path)
        if record.trials_sha256 is not None and record.trials_sha256 != _sha256(held):
            raise ResultsError(f"{path}: not what the record was sealed with; {MOVE_FOLDER}")
        # The host seals the record of a search that broke, and may not know how far it came.
        if record.status == "completed" and record.trials != len(trials):
            mistake = f"{len(trials)} trials, of which record.json counts {record.trials}"
            raise ResultsError(f"{path}: {mistake}; {MOVE_FOLDER}")
        return Sealed(record=record, trials=trials, cell=self._cell_of(record))

    def _cell_of(self, record: Record) -> Cell | None:
        path = self.path / "cell.json"
        text = stored_file_validation.read(path)
        if text is None:
            return None
        asked, cell = (
            stored_file_validation.table(text, where=path),
            stored_file_validation.checked(text, Cell, where=path),
        )
        # What the matrix calls it may have changed since.
        if {**asked, "names": None} != {**record.cell.told, "names": None}:
            raise ResultsError(f"{self.path / 'record.json'}: of another cell than cell.json; {MOVE_FOLDER}")
        if cell.is_known_by_id and cell.id != self.path.name:
            raise ResultsError(f"{path}: of cell {cell.id}, in the folder of another; {MOVE_FOLDER}")
        return cell

    def mend(self) -> None:
        """Cut off a line that a kill left torn, so that the next one starts on its own."""
        _mend(self.path / "trials.jsonl")

    def write_outcome(self, outcome: Mapping[str, object]) -> None:
        """Leave what the worker knows of its own end, for the host to seal."""
        files.write_json(self.path / "outcome.json", dict(outcome))

    def outcome(self) -> WorkerOutcome | None:
        """Return what the worker left, or None where it ended without a word.

        Raises:
            ResultsError: It can't be read, or holds what no worker leaves.
        """
        path = self.path / "outcome.json"
        text = stored_file_validation.read(path)
        return None if text is None else stored_file_validation.checked(text, WorkerOutcome, where=path)

    @property
    def has_outcome(self) -> bool:
        """Whether a worker has left one, readable or not."""
        return (self.path / "outcome.json").exists()

    def clear_outcome(self) -> None:
        """Forget what an earlier process left, before another starts."""
        (self.path / "outcome.json").unlink(missing_ok=True)

    def note_attempt(self, attempt: Mapping[str, object]) -> int:
        """Add a line on a process that worked at this cell; return how many there have been."""
        path = self.path / "attempts.jsonl"
        _mend(path)
        with files.naming(path), path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(files.without_home(attempt), ensure_ascii=False) + "\n")
        return len(stored_file_validation.whole_lines(stored_file_validation.read(path)))

    def attempts(self) -> list[Attempt]:
        """Return what is known of each process that worked at this cell; a line torn by a kill is left out.

        Raises:
            ResultsError: A line is no attempt.
        """
        path = self.path / "attempts.jsonl"
        return stored_file_validation.lines(stored_file_validation.read(path), Attempt, path=path)

    def seal(self, record: Record) -> None:
        """Store ``record`` atomically under a checksum of its own; refuse to overwrite an earlier one.

        No text of it names the user's home any more.
        """
        path = self.path / "record.json"
        if path.exists():
            raise ResultsError(f"{path}: already sealed; a measurement is never overwritten")
        files.write_atomically(path, stored_file_validation.sealed_text(files.without_home(record.document)))

    def put(self, cell: Cell, record: Record, *, trials: bytes, attempt: Mapping[str, object], aside: Path) -> None:
        """Store a finished search whole or not at all: its folder is made ``aside``, on the same disk, and renamed.

        What a kill of this machine leaves torn is told by its checksums; what a kill of this process leaves is
        ``aside``.

        Raises:
            OSError: There is something here already.
        """
        aside.mkdir(parents=True)
        attempts = json.dumps(files.without_home(attempt), ensure_ascii=False) + "\n"
        sealed = stored_file_validation.sealed_text(files.without_home(record.document))
        with files.naming(self.path):
            (aside / "cell.json").write_bytes(cell.published.model_dump_json(indent=1).encode())
            (aside / "trials.jsonl").write_bytes(trials)
            (aside / "attempts.jsonl").write_text(attempts, "utf-8")
            (aside / "record.json").write_bytes(sealed)
            self.path.parent.mkdir(exist_ok=True)
            aside.rename(self.path)

    @property
    def is_sealed(self) -> bool:
        """Whether there is a record, be it readable or not."""
        return (self.path / "record.json").exists()

    def record(self) -> Record | None:
        """Return the sealed record, or None.

        Raises:
            ResultsError: The file is no record, not as it was sealed, or one of a newer harness.
        """
        path = self.path / "record.json"
        text = stored_file_validation.read(path)
        if text is None:
            return None
        stored = stored_file_validation.unsealed(text, where=path, since="trials_sha256")
        match stored.get("schema_version"):
            case 1:
                stored = _from_version_1(stored)
            case 2:
                stored = _from_version_2(stored)
            case version if version != SCHEMA_VERSION:
                raise ResultsError(f"{path}: schema version {version!r:.50}; this harness reads up to {SCHEMA_VERSION}")
        # Not as it is stored: indented JSON takes Python four times as long to write.
        return stored_file_validation.checked(json.dumps(stored).encode(), Record, where=path)

    def fingerprint(self) -> str:
        """Return what changes whenever cell, record, trials or attempts do: sizes, moments of change, inodes."""
        names = ("cell.json", "record.json", "trials.jsonl", "attempts.jsonl")
        return " ".join(_fingerprint(f"{self.path}/{name}") for name in names)

    def set_aside(self) -> None:
        """Move a sealed attempt's files into ``retried-N/``, so that the cell can be run again from nothing.

        The record goes first: a kill before that leaves the attempt as it was, a later one what
        ``finish_setting_aside`` completes, so that trials are never found without the record that they belong to.
        """
        self._half_aside.mkdir(exist_ok=True)
        (self.path / "record.json").rename(self._half_aside / "record.json")
        self.finish_setting_aside()

    def finish_setting_aside(self) -> None:
        """Complete what a kill broke off, if anything; before this, the trials here may be those of a sealed record."""
        if not (self._half_aside / "record.json").exists():
            return
        for path in sorted(self.path.iterdir()):
            if path.is_file() and path.name not in ("cell.json", "lock"):
                path.rename(self._half_aside / path.name)
        earlier = [path.name.removeprefix("retried-") for path in self.path.glob("retried-*")]
        last = max((int(number) for number in earlier if number.isdecimal()), default=0)
        self._half_aside.rename(self.path / f"retried-{last + 1}")

    @property
    def _half_aside(self) -> Path:
        return self.path / "retrying"


def _from_version_1(stored: Mapping[str, object]) -> dict[str, object]:
    """Return a record of version 1 in terms of the last; the cell in it stays as it was asked for."""
    return _from_version_2({"busyness": {"reason": "records of version 1 don't tell"}, **stored})


def _from_version_2(stored: Mapping[str, object]) -> dict[str, object]:
    """Return a record of version 2 in terms of the last: they differ in the epochs of trials."""
    return {**stored, "schema_version": SCHEMA_VERSION}


def line_of(trial: Trial) -> bytes:
    """Return a trial as a line of the trials' file."""
    told = _fields(trial) if trial.reason is None else {**_fields(trial), "reason": files.without_home(trial.reason)}
    # Not dataclasses.asdict, which takes three times as long as all else here: it copies each value.
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, default=_fields)
    return stored_file_validation.with_sum(text.encode())


def _fields(value: Trial | Epoch) -> dict[str, object]:
    return {name: getattr(value, name) for name in type(value).__slots__}


def spent_wall_s(trials: Sequence[Trial]) -> float:
    """Return the seconds that the trials are charged for."""
    return sum(on_the_clock(dict(trial.phases)) for trial in trials)


def _in_order(trials: list[Trial], path: Path) -> list[Trial]:
    for place, trial in enumerate(trials):
        if trial.number != place:
            raise ResultsError(f"{path}: line {place + 1} is trial {trial.number}, not {place}; {MOVE_FOLDER}")
    return trials


def _sha256(held: bytes | None) -> str | None:
    return None if held is None else hashlib.sha256(held).hexdigest()


def _mend(path: Path) -> None:
    held = stored_file_validation.read(path)
    whole = b"".join(stored_file_validation.whole_lines(held))
    if held is not None and len(held) != len(whole):
        files.write_atomically(path, whole)


def _fingerprint(path: str) -> str:
    try:
        # Twice as fast as Path.lstat, which counts in tens of thousands of files.
        found = os.lstat(path)
    except FileNotFoundError:
        return "none"
    except OSError as error:
        return f"unreadable {error.errno}"
    return f"{found.st_size}/{found.st_mtime_ns}/{found.st_ctime_ns}/{found.st_ino}"
