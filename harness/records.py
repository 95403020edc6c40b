"""What a search leaves on the disk: one folder for each cell, and this module alone knows its files' names."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from harness import files
from harness.cells import SCHEMA_VERSION, Cell
from harness.errors import ResultsError
from harness.ledger import on_the_clock
from harness.model import Epoch, Outcome, Trial

_Line = TypeVar("_Line")

_SEAL = "sha256"
_SUM = re.compile(rb', "crc32": "([0-9a-f]{8})"}\n\Z')


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one cell asked for, what it resolved to and what happened; raw values only.

    ``setup_phases`` go from the start of the process to the first ask, ``closing_phases`` from the last tell to the
    end of the process; each trial carries its own. ``attempts`` counts the processes that worked at the cell.
    ``status`` is ``completed`` or ``failed``; ``ended`` says what ended the search, ``reason`` why it failed.
    ``busyness`` is what ``harness.meters.busyness`` read; empty in earlier records, and where the worker was killed.
    ``trials_sha256`` is that of the trials' file; unknown in earlier records.
    """

    schema_version: int
    cell: Mapping[str, Any]
    status: str
    ended: str | None
    reason: str | None
    started_at: str
    attempts: int
    trials: int
    wall_s: float
    setup_phases: Mapping[str, float]
    closing_phases: Mapping[str, float]
    peak_memory_bytes: Mapping[str, Any]
    energy: Mapping[str, Any]
    device_peak_memory_bytes: Mapping[str, Any]
    data: Mapping[str, Any]
    model: Mapping[str, Any]
    environment: Mapping[str, Any]
    evidence: Mapping[str, Any]
    busyness: Mapping[str, Any] = field(default_factory=dict)
    trials_sha256: str | None = None


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
    def scratch(self) -> Path:
        """Whatever a tuner's library writes; never read back."""
        return self.path / "scratch"

    def write_cell(self, cell: Cell) -> None:
        """Say what is to be searched."""
        files.write_atomically(self.path / "cell.json", cell.model_dump_json(indent=1).encode())

    def cell(self) -> Cell:
        """Return what is to be searched."""
        return Cell.model_validate_json((self.path / "cell.json").read_bytes())

    def append(self, trial: Trial) -> None:
        """Add a trial as one line that has reached the disk when this returns."""
        line = _summed(json.dumps(asdict(trial), ensure_ascii=False, allow_nan=False).encode())
        with (self.path / "trials.jsonl").open("ab") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())

    def trials(self) -> list[Trial]:
        """Return the finished trials; a line torn by a kill is not one of them.

        Raises:
            ResultsError: A line is no trial, or not as it was written.
        """
        return _parsed(self.path / "trials.jsonl", _trial)

    @property
    def trials_sha256(self) -> str | None:
        """SHA-256 of the trials' file; None where there is none."""
        held = _read(self.path / "trials.jsonl")
        return None if held is None else hashlib.sha256(held).hexdigest()

    def mistakes(self, record: Record) -> Iterator[str]:
        """Yield what shows that ``record`` isn't of this cell and these trials; earlier records tell less."""
        if record.trials_sha256 is not None and record.trials_sha256 != self.trials_sha256:
            yield "trials.jsonl: not what the record was sealed with"
        asked = _read_json(self.path / "cell.json")
        if asked is not None and asked != record.cell:
            yield "record.json: of another cell than cell.json"

    def mend(self) -> None:
        """Cut off a line that a kill left torn, so that the next one starts on its own."""
        _mend(self.path / "trials.jsonl")

    def write_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Leave what the worker knows of its own end, for the host to seal."""
        files.write_json(self.path / "outcome.json", dict(outcome))

    def outcome(self) -> dict[str, Any] | None:
        """Return what the worker left, or None where it ended without a word."""
        return _read_json(self.path / "outcome.json")

    def clear_outcome(self) -> None:
        """Forget what an earlier process left, before another starts."""
        (self.path / "outcome.json").unlink(missing_ok=True)

    def note_attempt(self, attempt: Mapping[str, Any]) -> int:
        """Add a line on a process that worked at this cell; return how many there have been."""
        path = self.path / "attempts.jsonl"
        _mend(path)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(attempt, ensure_ascii=False) + "\n")
        return len(_whole_lines(path))

    def attempts(self) -> list[dict[str, Any]]:
        """Return what is known of each process that worked at this cell; a line torn by a kill is left out.

        Raises:
            ResultsError: A line is no attempt.
        """
        return _parsed(self.path / "attempts.jsonl", _attempt)

    def seal(self, record: Record) -> None:
        """Store ``record`` atomically under a checksum of its own; refuse to overwrite an earlier one."""
        path = self.path / "record.json"
        if path.exists():
            raise ResultsError(f"{path}: already sealed; a measurement is never overwritten")
        fields = asdict(record)
        files.write_json(path, {**fields, _SEAL: _seal_of(fields)})

    def record(self) -> Record | None:
        """Return the sealed record, or None.

        Raises:
            ResultsError: The file is no record, not as it was sealed, or one of a newer harness.
        """
        path = self.path / "record.json"
        fields = _read_json(path)
        if fields is None:
            return None
        seal = fields.pop(_SEAL, None)
        if seal is not None and seal != _seal_of(fields):
            raise ResultsError(f"{path}: not what was sealed; move its folder away and run the matrix again")
        version = fields.get("schema_version")
        if version == 1:
            fields = _from_version_1(fields)
        elif version != SCHEMA_VERSION:
            raise ResultsError(f"{path}: schema version {version}; this harness reads up to {SCHEMA_VERSION}")
        try:
            return Record(**fields)
        except TypeError as error:
            raise ResultsError(f"{path}: not a record ({error}); move it away and run the matrix again") from error

    def fingerprint(self) -> str:
        """Return what changes whenever record, trials or attempts do: sizes, moments of change, inodes."""
        names = ("record.json", "trials.jsonl", "attempts.jsonl")
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


def _from_version_1(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a record of version 1 in terms of version 2; the cell in it stays as it was asked for."""
    return {"busyness": {"reason": "records of version 1 don't tell"}, **fields, "schema_version": SCHEMA_VERSION}


def _seal_of(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(files.readable_json(fields)).hexdigest()


def spent_wall_s(trials: list[Trial]) -> float:
    """Return the seconds that the trials are charged for."""
    return sum(on_the_clock(dict(trial.phases)) for trial in trials)


def _parsed(path: Path, parse: Callable[[dict[str, Any]], _Line]) -> list[_Line]:
    parsed = []
    for number, line in enumerate(_whole_lines(path), 1):
        try:
            parsed.append(parse(json.loads(_checked(line))))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ResultsError(
                f"{path}: line {number} can't be read ({error}); move its folder away and run the matrix again"
            ) from error
    return parsed


def _summed(line: bytes) -> bytes:
    """Return an object's line with a checksum as its last key, and the line's end."""
    return b'%s, "crc32": "%08x"}\n' % (line[:-1], zlib.crc32(line))


def _checked(line: bytes) -> bytes:
    """Return a line without its checksum; earlier records' have none.

    Raises:
        ValueError: It isn't as it was written.
    """
    found = _SUM.search(line)
    if found is None:
        return line
    own = line[: found.start()] + b"}"
    if int(found[1], 16) != zlib.crc32(own):
        raise ValueError("its checksum doesn't fit")
    return own


def _whole_lines(path: Path) -> list[bytes]:
    return [line for line in (_read(path) or b"").splitlines(keepends=True) if line.endswith(b"\n")]


def _read(path: Path) -> bytes | None:
    """Return a file's bytes, or None where there is none.

    Raises:
        ResultsError: It is a link, no plain file, or can't be read.
    """
    try:
        return files.read_plain(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = f"{error.strerror}; make it readable, or move its folder away and run the matrix again"
        raise ResultsError(f"{path}: can't be read ({why})") from error


def _mend(path: Path) -> None:
    whole = b"".join(_whole_lines(path))
    if path.exists() and path.stat().st_size != len(whole):
        files.write_atomically(path, whole)


def _trial(fields: dict[str, Any]) -> Trial:
    epochs = tuple(Epoch(**epoch) for epoch in fields.pop("epochs"))
    return Trial(**{**fields, "outcome": Outcome(fields["outcome"]), "epochs": epochs})


def _attempt(fields: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise TypeError("not an attempt")
    return fields


def _fingerprint(path: str) -> str:
    try:
        # Twice as fast as Path.lstat, which counts in tens of thousands of files.
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "none"
    return f"{found.st_size}/{found.st_mtime_ns}/{found.st_ctime_ns}/{found.st_ino}"


def _read_json(path: Path) -> dict[str, Any] | None:
    text = _read(path)
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: not JSON ({error}); move it away and run the matrix again") from error
    if not isinstance(value, dict):
        raise ResultsError(f"{path}: not a record; move it away and run the matrix again")
    return value
