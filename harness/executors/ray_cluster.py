"""Workers as tasks of a Ray cluster, whose nodes need not see this machine's files.

https://docs.ray.io/en/latest/ray-core/tasks/generators.html and scheduling/resources.html.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from harness import cache_inventory, environment, files
from harness.environment import Identity
from harness.errors import MachineError, UserError
from harness.executors import ray_node
from harness.executors.contract import Cause, Devices, Ended, Running, ended_by, settings_elsewhere
from harness.executors.ray_node import Begun, Order, Over, Piece, Sent
from harness.executors.slots import WHOLE, Slot
from harness.matrix_schema import Container
from harness.records import CellFolder

ADDRESS = "HARNESS_RAY_ADDRESS"
"""The environment variable that names the cluster unless ``--address`` does."""
OPTIONS = "HARNESS_RAY_OPTIONS"
"""The environment variable with Ray's options for every task, as JSON."""
ENDING_S = 60.0
"""Seconds that a worker may take to end once its node is asked to end it."""

# Those that say what a cell needs; the others are the harness's own business.
_OPTIONS = (
    *("num_cpus", "num_gpus", "memory", "resources", "accelerator_type"),
    *("label_selector", "runtime_env", "scheduling_strategy"),
)
_RAYS_OWN = "thirdparty_files"
_REMEDY = "pip install 'tuner-harness[ray]'"
_SMALL_BYTES = 2**16
_GIB = 2**30
# Of a cell's folder what no later worker reads.
_NOT_READ = {"attempts.jsonl", "record.json", "outcome.json", "progress.log", "lock", "scratch", "retrying"}

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class RayExecutor:
    """Starts each worker as a task of the cluster that this process is connected to.

    ``options`` are Ray's for each task. ``is_ours`` says whether the connection ends with this executor. ``command``
    is run in place of workers: None for theirs.
    """

    options: Mapping[str, Any]
    is_ours: bool = True
    deadline_s: float | None = None
    command: tuple[str, ...] | None = None
    _stored: dict[Path, Mapping[str, Sent]] = field(default_factory=dict)
    _hashed: dict[Path, str] = field(default_factory=dict)
    _attend: Any = None

    name: ClassVar[str] = "ray"
    devices: ClassVar[Devices] = Devices.ELSEWHERE

    def identity(self) -> Identity:
        """Return what this Python is, as the nodes have it too: its packages and the harness's sources."""
        return identity()

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot = WHOLE) -> Running:
        """Submit a task that has the worker's ``program`` run on a cell folder; its output is added to ``log``."""
        import ray  # noqa: PLC0415 - where cells run by it alone

        if self._attend is None:
            self._attend = ray.remote(ray_node.attend)
        order = self._order(program, folder.absolute(), cache.absolute(), slot)
        given = {"scheduling_strategy": "SPREAD", **self.options, "max_retries": 0, "num_returns": "streaming"}
        stream = self._attend.options(name=f"harness {program} {folder.name}", **given).remote(order)
        return RayRunning(stream=stream, folder=folder.absolute(), cache=cache.absolute(), log=log.absolute())

    def close(self) -> None:
        """Leave the cluster, which ends what this process has started there."""
        import ray  # noqa: PLC0415 - see above

        self._stored.clear()
        if self.is_ours:
            ray.shutdown()

    def _order(self, program: str, folder: Path, cache: Path, slot: Slot) -> Order:
        cell_folder = CellFolder(folder)
        # What a killed worker left torn would stand in the way of what the next one adds.
        cell_folder.mend()
        cell = cell_folder.cell()
        shared = cache_inventory.shared(cell, cache=cache)
        # Pictures that a preparation has read are not read again.
        spared = set(map(Path, cell.source.paths)) if shared and program != "prepare" else set()
        reads = [path for path in cell.read if path not in spared and path.exists()]
        moved = {str(path): self._moved(path, cache) for path in reads}
        entries = {*shared, *(entry for entry, _ in moved.values())}
        return Order(
            program=program,
            cell_id=folder.name,
            held={name: _sent(folder / name) for name in _read_in(folder)},
            entries={entry: self._entry(cache, entry) for entry in sorted(entries)},
            moved={path: there for path, (_, there) in moved.items()},
            settings={**slot.settings, **settings_elsewhere(needs_gpu=bool(self.options.get("num_gpus")))},
            deadline_s=self.deadline_s,
            command=self.command,
        )

    def _moved(self, path: Path, cache: Path) -> tuple[str, str]:
        """Return the entry of the nodes' caches that a path of this machine is in, and its path in these."""
        if path.is_relative_to(cache):
            inner = path.relative_to(cache)
            return "/".join(inner.parts[:2]), inner.as_posix()
        if path not in self._hashed:
            entry = f"sent/{_digest(path)}"
            self._hashed[path] = entry
            self._stored[cache / entry] = _sent_of(_files_of(path), below=path.parent)
        return self._hashed[path], f"{self._hashed[path]}/{path.name}"

    def _entry(self, cache: Path, entry: str) -> Mapping[str, Sent]:
        """Return an entry of the cache; stored once, as each node that lacks it fetches it from Ray's store."""
        place = cache / entry
        if place not in self._stored:
            self._stored[place] = _sent_of(ray_node.held_in(place), below=place)
        return self._stored[place]


@dataclass(slots=True, kw_only=True)
class RayRunning:
    """A task that waits for its node, or attends its worker there."""

    stream: Any
    folder: Path
    cache: Path
    log: Path
    submitted: float = field(default_factory=time.monotonic)
    ended: Ended | None = None
    begun: Begun | None = None
    _aside: dict[str, Path] = field(default_factory=dict)
    _entries: dict[str, Path] = field(default_factory=dict)

    def wait(self, timeout_s: float) -> Ended | None:
        """Take in what has come, at most so long; return None while it still waits or runs."""
        import ray  # noqa: PLC0415 - see above

        until = time.monotonic() + timeout_s
        while self.ended is None:
            ready, _ = ray.wait([self.stream], timeout=max(until - time.monotonic(), 0.0))
            if not ready:
                break
            self._take_next()
        return self.ended

    def stop(self) -> Ended:
        """Have its node end the worker and all that it started; what it has left by then is kept."""
        if self.wait(0.0) is None:
            self._ask_to_end()
        self.ended = self.wait(ENDING_S) or self._forced()
        return self.ended

    def _ask_to_end(self) -> None:
        import ray  # noqa: PLC0415 - see above
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415 - see above

        if self.begun is None:
            ray.cancel(self.stream)
            return
        there = NodeAffinitySchedulingStrategy(self.begun.node, soft=False)
        asking = ray.remote(ray_node.ask_to_end)
        asking.options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(self.begun.place)

    def _forced(self) -> Ended:
        import ray  # noqa: PLC0415 - see above

        ray.cancel(self.stream, force=True)
        return self._killed(f"didn't end in {ENDING_S:g} s and was cancelled")

    def _take_next(self) -> None:
        import ray  # noqa: PLC0415 - see above

        try:
            came = ray.get(next(self.stream))
        except StopIteration:
            self.ended = self._killed("ended without a word")
        except ray.exceptions.RayError as error:
            self.ended = self._killed(_first_line(error))
        else:
            self._take(came)

    def _take(self, came: Piece | Begun | Over) -> None:
        match came:
            case Begun():
                self.begun = came
            case Over():
                self._complete_entries()
                self.ended = self._told(came)
            case Piece():
                self._add(came)

    def _add(self, piece: Piece) -> None:
        if piece.entry is not None:
            self._add_to_entry(piece)
        elif piece.name == ray_node.LOG:
            _append(self.log, piece.data)
        elif piece.name in ray_node.GROWING:
            _extend(self.folder / piece.name, piece)
        elif piece.is_last and piece.offset == 0:
            files.write_atomically(self.folder / piece.name, piece.data)
        else:
            self._add_to_large(piece, self.folder / piece.name)

    def _add_to_large(self, piece: Piece, path: Path) -> None:
        if piece.offset == 0:
            self._aside[piece.name] = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        _append(self._aside[piece.name], piece.data)
        if piece.is_last:
            self._aside.pop(piece.name).replace(path)

    def _add_to_entry(self, piece: Piece) -> None:
        """Add to what becomes an entry of the cache once the worker has ended."""
        entry = str(piece.entry)
        if entry not in self._entries:
            path = self.cache / entry
            self._entries[entry] = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        _append(self._entries[entry] / piece.name, piece.data)

    def _complete_entries(self) -> None:
        if self._entries:
            # Of what may be thousands of files none is named before all are on the disk.
            os.sync()
        for entry, aside in self._entries.items():
            # Another preparation may have left the same: a folder that holds something is never replaced.
            with suppress(OSError):
                aside.rename(self.cache / entry)
            shutil.rmtree(aside, ignore_errors=True)

    def _told(self, over: Over) -> Ended:
        queued_s = max(time.monotonic() - self.submitted - over.wall_s, 0.0)
        found = ended_by(over.code, wall_s=over.wall_s, evidence={**self._where, "queued_s": queued_s})
        late = "container.deadline_s was over"
        return replace(found, cause=Cause.DEADLINE, detail=late) if over.is_late else found

    def _killed(self, how: str) -> Ended:
        return Ended(
            exit_code=None,
            signal=None,
            wall_s=time.monotonic() - self.submitted,
            cause=Cause.KILLED,
            detail=f"its task on the Ray cluster {how}",
            evidence=self._where,
        )

    @property
    def _where(self) -> dict[str, object]:
        return {} if self.begun is None else {"ray_node": self.begun.node, "ray_gpus": list(self.begun.gpus)}


def identity() -> Identity:
    """Return what this Python is, as its processes that don't import Ray see it: Ray brings packages of its own."""
    before = list(sys.path)
    sys.path[:] = [path for path in before if _RAYS_OWN not in Path(path).parts]
    try:
        return environment.identity()
    finally:
        sys.path[:] = before


def create(*, container: Container, address: str | None = None, needs_gpu: bool = False) -> RayExecutor:
    """Return what starts workers on a cluster that is there already.

    It is the one at ``address``, in ``HARNESS_RAY_ADDRESS`` or in Ray's own ``RAY_ADDRESS``, or the one that this host
    is part of. What a cell needs is what the matrix's ``[container]`` section and ``needs_gpu`` say, unless
    ``HARNESS_RAY_OPTIONS`` does.

    Raises:
        MachineError: Ray isn't installed, or there is no such cluster.
        UserError: The address or the options are none.
    """
    options = {**needs(container, needs_gpu=needs_gpu), **given()}
    return RayExecutor(options=options, is_ours=_connected(address), deadline_s=container.deadline_s)


def _connected(address: str | None) -> bool:
    """Connect this process to a cluster; return False where it is connected already."""
    try:
        import ray  # noqa: PLC0415 - where cells run by it alone
    except ImportError as error:
        raise MachineError(f"--executor ray: no Ray in this Python; {_REMEDY}") from error
    if ray.is_initialized():
        return False
    found = address or os.environ.get(ADDRESS) or os.environ.get("RAY_ADDRESS") or "auto"
    if "://" in found:
        way = "join it (ray start --address=HEAD:6379 --num-cpus=0) and name HEAD:6379"
        raise UserError(f"--address {found}: this host has to be part of the cluster, Ray's client isn't enough; {way}")
    with _own_end_by_signal():
        try:
            ray.init(address=found, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            way = "name one by --address, or start one here: ray start --head"
            raise MachineError(f"--executor ray: no cluster at {found} ({_first_line(error)}); {way}") from error
    return True


@contextmanager
def _own_end_by_signal() -> Iterator[None]:
    """Keep what this process does at SIGTERM, which Ray would set anew."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        with suppress(ValueError):
            # Only the main thread may.
            signal.signal(signal.SIGTERM, before)


def needs(container: Container, *, needs_gpu: bool) -> dict[str, Any]:
    """Return what of a node a cell needs: a processor, unless the matrix says more."""
    memory = {} if container.memory_gib is None else {"memory": int(container.memory_gib * _GIB)}
    gpu = {"num_gpus": 1} if needs_gpu else {}
    return {"num_cpus": 1 if container.cpus is None else container.cpus, **gpu, **memory}


def given() -> dict[str, Any]:
    """Return the options in ``HARNESS_RAY_OPTIONS``.

    Raises:
        UserError: They are no JSON, or none that a cell may have.
    """
    told = os.environ.get(OPTIONS, "{}")
    try:
        given = json.loads(told)
    except ValueError as error:
        raise UserError(f'{OPTIONS}={told}: no JSON ({error}); write it as {{"num_cpus": 4}}') from error
    unknown = sorted(set(given) - set(_OPTIONS)) if isinstance(given, dict) else [told]
    if unknown:
        raise UserError(f"{OPTIONS}: {unknown[0]} is none of {', '.join(_OPTIONS)}")
    return dict(given)


def _read_in(folder: Path) -> list[str]:
    """Return the files of a cell's folder that a worker may read, by their paths in it."""
    found = (path.relative_to(folder) for path in ray_node.held_in(folder))
    return [
        path.as_posix()
        for path in found
        if path.parts[0] not in _NOT_READ and path.name != ray_node.LOG and not path.parts[0].startswith("retried-")
    ]


def _sent_of(paths: Iterable[Path], *, below: Path) -> dict[str, Sent]:
    return {path.relative_to(below).as_posix(): _sent(path) for path in paths}


def _sent(path: Path) -> Sent:
    """Return a file's bytes: a small one's as they are, others in Ray's store."""
    import ray  # noqa: PLC0415 - where cells run by it alone

    sent = (piece.data for piece in ray_node.pieces(path, path.name))
    return [data if len(data) < _SMALL_BYTES else ray.put(data) for data in sent]


def _files_of(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())


def _digest(path: Path) -> str:
    return files.digest([[each.relative_to(path.parent).as_posix(), files.sha256_of(each)] for each in _files_of(path)])


def _append(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.naming(path), path.open("ab") as stream:
        stream.write(data)


def _extend(path: Path, piece: Piece) -> None:
    """Write what is new of a file that grows where it belongs; it has reached the disk when this returns."""
    with files.naming(path), path.open("r+b" if path.exists() else "wb") as stream:
        stream.seek(piece.offset)
        stream.write(piece.data)
        stream.flush()
        os.fsync(stream.fileno())


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
