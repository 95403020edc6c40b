"""What a node of a Ray cluster does for a cell: bring its files, attend its worker, and send back what that leaves.

A cell's worker is a process of its own that a Ray task starts and waits for. What passes is bytes: nodes need not see
any of this machine's files. No search runs through this module; a node imports it before any worker is started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from harness import atomic_folders, file_locks, files
from harness.cells import Cell, OwnFile, WeightsTable
from harness.errors import MachineError
from harness.records import CellFolder

FOLDER = "HARNESS_RAY_FOLDER"
"""The environment variable of a node that says where it keeps data, weights and the folders of cells at work."""
LOG = "worker.log"
"""What a worker prints, whatever file that is added to on the host."""
GROWING = ("trials.jsonl", "progress.log", LOG)
"""Files that only grow while a worker is at work: what is new of them is sent."""
PIECE_BYTES = 4 * 2**20
"""Bytes of a file that travel at a time."""
LOOK_S = 0.1
"""Seconds between two looks at what a worker has left."""
POLITE_S = 5.0
"""Seconds that a worker has to end by itself when it is asked to."""

# Where the host has those of the worker before; ``lock`` is held by the worker itself.
_STAYS = {"lock", "scratch"}
_OWN_FILES = ("model_file", "tuner_file", "metric_file", "meter_file")
_File = TypeVar("_File", OwnFile, WeightsTable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes of a file of the cell's, from ``offset`` on; ``is_last`` where the file ends with them.

    ``entry`` names what it belongs to where that is no file of the cell's folder, but an entry of the cache.
    """

    name: str
    offset: int
    data: bytes
    is_last: bool
    entry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The worker is about to start: on which node, in which folder, on which GPUs."""

    node: str
    place: str
    gpus: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """The worker has ended: by this code, a signal's below 0, after so many seconds; at its deadline, or not."""

    code: int
    wall_s: float
    is_late: bool


Sent = Sequence[object]
"""A file's bytes in order, each as they are or as a reference into Ray's object store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a node is to do.

    Attributes:
        program: What the worker is to do.
        cell_id: The name of the cell's folder.
        held: The files of the cell's folder, by their paths in it.
        entries: What it reads of the cache, by each entry's path there and the paths of the files in it.
        moved: Paths of the host that ``cell.json`` names, each with the path in the node's cache.
        settings: What the worker is told by its environment.
        deadline_s: Seconds after which it is ended; None: none.
        command: What the worker is; None: this Python's.
    """

    program: str
    cell_id: str
    held: Mapping[str, Sent]
    entries: Mapping[str, Mapping[str, Sent]]
    moved: Mapping[str, str]
    settings: Mapping[str, str]
    deadline_s: float | None = None
    command: Sequence[str] | None = None


def attend(order: Order) -> Iterator[Piece | Begun | Over]:
    """Do what is ordered; yield what the worker leaves, while it is at work and when it has ended.

    Raises:
        MachineError: Another user holds the node's folder.
    """
    import ray  # noqa: PLC0415 - on nodes alone

    gpus = [str(gpu) for gpu in ray.get_gpu_ids()]
    told = {"CUDA_VISIBLE_DEVICES": ",".join(gpus), "HARNESS_HOST_PID": str(os.getpid()), **order.settings}
    base = _base()
    with _place(base) as place:
        yield Begun(node=ray.get_runtime_context().get_node_id(), place=str(place), gpus=gpus)
        folder, cache = place / order.cell_id, base / "cache"
        bring(order, folder, cache=cache, get=ray.get)
        over = yield from at_work(order, folder, cache=cache, told=told)
    # Last of all: the host may leave the cluster as soon as it knows.
    yield over


def ask_to_end(place: str) -> None:
    """Have the worker of a place ended by whoever attends it."""
    with suppress(FileNotFoundError):
        _asked_to_end(Path(place)).touch()


def bring(order: Order, folder: Path, *, cache: Path, get: Callable[[object], bytes]) -> None:
    """Write what is ordered where it belongs; what the cache has already is taken as it is."""
    for name, sent in order.held.items():
        _write(folder / name, sent, get)
    for entry, held in order.entries.items():
        atomic_folders.folder(cache / entry, _filling(held, get))
    cache.mkdir(parents=True, exist_ok=True)
    cell_folder = CellFolder(folder)
    there = {path: str(cache / there) for path, there in order.moved.items()}
    cell_folder.write_cell(placed(cell_folder.cell(), there))


def placed(cell: Cell, there: Mapping[str, str]) -> Cell:
    """Return a cell whose data, weights and users' files lie where ``there`` says, by where they lay."""

    def moved(file: _File | None) -> _File | None:
        known = file is not None and file.path in there
        return file.changed(path=there[str(file.path)]) if file is not None and known else file

    return cell.model_copy(
        update={
            "source": cell.source.changed(paths=[there.get(path, path) for path in cell.source.paths]),
            **{name: moved(getattr(cell, name)) for name in ("weights", *_OWN_FILES)},
        }
    )


def at_work(order: Order, folder: Path, *, cache: Path, told: Mapping[str, str]) -> Generator[Piece, None, Over]:
    """Start the worker and yield what it leaves until it has ended, by itself or as it was asked to; return how."""
    command = order.command or [sys.executable, "-m", "harness.worker", order.program, str(folder), str(cache)]
    left, began, is_late = Left(folder), time.monotonic(), False
    with (folder / LOG).open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **told},
            start_new_session=True,
        )
    try:
        while _waited(process, LOOK_S) is None:
            yield from left.new()
            is_late = order.deadline_s is not None and time.monotonic() - began > order.deadline_s
            if is_late or _asked_to_end(folder.parent).exists():
                end(process)
        wall_s = time.monotonic() - began
    finally:
        # Ray interrupts a task wherever it is: nothing that it started may be left.
        if process.poll() is None:
            _signal(process, signal.SIGKILL)
            process.wait()
    yield from left.new(is_over=True)
    yield from _kept(order, folder, cache)
    return Over(code=process.returncode, wall_s=wall_s, is_late=is_late)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a worker and all that it started: SIGTERM, then SIGKILL."""
    _signal(process, signal.SIGTERM)
    _waited(process, POLITE_S)
    _signal(process, signal.SIGKILL)
    process.wait()


@dataclass(slots=True)
class Left:
    """What a worker leaves in its folder, as far as it wasn't there or sent before."""

    folder: Path
    _sent: dict[str, int] = field(init=False)
    _seen: dict[str, tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        """Know what is there."""
        self._seen = {name: _stamp(self.folder / name) for name in self._names()}
        self._sent = {name: _size(self.folder / name) for name in GROWING}

    def new(self, *, is_over: bool = False) -> Iterator[Piece]:
        """Yield what is new: before a trial, the files that were there when its line was written.

        While the worker is at work, of trials whole lines alone.
        """
        until = {name: _size(self.folder / name) for name in GROWING}
        for name in self._names():
            yield from self._changed(name)
        for name, size in until.items():
            yield from self._grown(name, size, whole_lines=not is_over and name != LOG)

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return sorted(
            path.as_posix()
            for path in found
            if path.parts[0] not in _STAYS and path.name not in GROWING and not path.name.startswith(".")
        )

    def _changed(self, name: str) -> Iterator[Piece]:
        with suppress(FileNotFoundError):
            stamp = _stamp(self.folder / name)
            if stamp != self._seen.get(name):
                self._seen[name] = stamp
                yield from pieces(self.folder / name, name)

    def _grown(self, name: str, size: int, *, whole_lines: bool) -> Iterator[Piece]:
        while self._sent[name] < size:
            offset = self._sent[name]
            with (self.folder / name).open("rb") as stream:
                stream.seek(offset)
                data = stream.read(min(PIECE_BYTES, size - offset))
            if whole_lines:
                data = data[: data.rfind(b"\n") + 1]
            if not data:
                return
            self._sent[name] += len(data)
            yield Piece(name=name, offset=offset, data=data, is_last=False)


def pieces(path: Path, name: str, *, entry: str | None = None) -> Iterator[Piece]:
    """Yield a file's bytes."""
    with path.open("rb") as stream:
        data, offset = stream.read(PIECE_BYTES), 0
        while True:
            following = stream.read(PIECE_BYTES)
            yield Piece(name=name, offset=offset, data=data, is_last=not following, entry=entry)
            if not following:
                return
            data, offset = following, offset + len(data)


def _kept(order: Order, folder: Path, cache: Path) -> Iterator[Piece]:
    """Yield what a preparation has left in the node's cache for all cells."""
    if order.program != "prepare":
        return
    outcome = CellFolder(folder).outcome()
    for entry in () if outcome is None else outcome.kept:
        if entry in order.entries:
            continue
        for path in held_in(cache / entry):
            yield from pieces(path, path.relative_to(cache / entry).as_posix(), entry=entry)


def held_in(place: Path) -> list[Path]:
    """Return the files in a folder, but those that stand for others until these are whole."""
    return sorted(path for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))


def _filling(held: Mapping[str, Sent], get: Callable[[object], bytes]) -> Callable[[Path], None]:
    def fill(place: Path) -> None:
        for name, sent in held.items():
            _write(place / name, sent, get)

    return fill


def _write(path: Path, sent: Sent, get: Callable[[object], bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.naming(path), path.open("wb") as stream:
        for piece in sent:
            stream.write(piece if isinstance(piece, bytes) else get(piece))


def _base() -> Path:
    """Return the node's own folder, which nobody else may write to.

    Raises:
        MachineError: Somebody else may.
    """
    told = os.environ.get(FOLDER)
    base = Path(tempfile.gettempdir(), f"tuner-harness-{os.geteuid()}") if told is None else Path(told)
    (base / "cells").mkdir(parents=True, mode=0o700, exist_ok=True)
    if told is None:
        base.chmod(0o700)
    if base.stat().st_uid != os.geteuid():
        raise MachineError(f"{base}: another user's; name a folder of your own in {FOLDER} on the nodes")
    return base


@contextmanager
def _place(base: Path) -> Iterator[Path]:
    """Give a new folder, and take it away at the end; those that killed tasks left are taken away first."""
    with (base / "lock").open("w") as lock:
        file_locks.flock(lock, file_locks.LOCK_EX)
        for left in (base / "cells").iterdir():
            with _held(left) as is_ours:
                if is_ours:
                    shutil.rmtree(left, ignore_errors=True)
        place = Path(tempfile.mkdtemp(dir=base / "cells"))
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        file_locks.flock(handle, file_locks.LOCK_EX)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(handle)


@contextmanager
def _held(place: Path) -> Iterator[bool]:
    """Say whether nobody holds a place, and hold it meanwhile."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        file_locks.flock(handle, file_locks.LOCK_EX | file_locks.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


def _asked_to_end(place: Path) -> Path:
    return place / "end"


def _waited(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    with suppress(subprocess.TimeoutExpired):
        return process.wait(seconds)
    return None


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
