"""Which runs are at work in a results folder, on whichever machine: each keeps a pulse there that the others watch.

Locks of files don't reach every machine that a network file system does. So each run has a folder of its own in
``runs/``, in which a count grows every few seconds. Another run takes it for dead once its own clock has seen no growth
for the time of a lease; no reading of a clock passes between machines.
"""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from harness import files
from harness.errors import ResultsError
from harness.results_folder import MatrixFolder

BEAT_S = 5.0
"""Seconds between two beats of a run's pulse."""
LEASE_S = 60.0
"""Seconds without a beat after which a run is taken for dead; one that was only stopped finds its cells gone."""
_PULSE = "pulse.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a run is: what people call the host, and what tells its kernel, which alone keeps locks, from others."""

    host: str
    kernel: str


def here() -> Machine:
    """Return this machine."""
    try:
        kernel = _BOOT.read_text("ascii").strip()
    except OSError:
        kernel = socket.gethostname()
    return Machine(host=socket.gethostname(), kernel=kernel)


class Life(Enum):
    """What is known of another run."""

    ALIVE = "its pulse grew, or its kernel, which is ours, says so"
    UNKNOWN = "nobody has watched it for long enough"
    DEAD = "it let go of its lock, or its pulse stood still for the time of a lease"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What a run says of itself: where it is, whether it bears no other, which cells it plans (hashed), and a count."""

    machine: Machine
    is_alone: bool = True
    plan: str | None = None
    beats: int = 0

    @classmethod
    def read(cls, text: bytes | None) -> Pulse | None:
        """Return what a run's file says; None where there is none, or none that a run wrote."""
        try:
            told = json.loads(text or b"")
            machine = Machine(str(told["host"]), str(told["kernel"]))
            return cls(machine=machine, is_alone=bool(told["alone"]), plan=told["plan"], beats=int(told["beats"]))
        except (ValueError, TypeError, KeyError):
            return None

    def text(self) -> bytes:
        """Return what the file is to say."""
        told = {"host": self.machine.host, "kernel": self.machine.kernel, "alone": self.is_alone, "plan": self.plan}
        return files.readable_json({**told, "beats": self.beats})


class Board(Protocol):
    """Where the runs of a matrix leave their pulses for one another."""

    def names(self) -> list[str]:
        """Return the tokens of the runs that have something here."""
        ...

    def read(self, token: str) -> bytes | None:
        """Return a run's pulse; None where there is none."""
        ...

    def write(self, token: str, pulse: bytes) -> None:
        """Put a run's pulse in place of its last one."""
        ...

    def remove(self, token: str) -> None:
        """Take away all that is of a run."""
        ...


@dataclass(frozen=True, slots=True)
class FolderBoard:
    """A folder in which each run has one of its own."""

    path: Path

    def names(self) -> list[str]:
        """Return the names of the folders."""
        try:
            return sorted(path.name for path in self.path.iterdir())
        except FileNotFoundError:
            return []

    def read(self, token: str) -> bytes | None:
        """Return what lies in a run's folder."""
        try:
            return files.read_plain(self.path / token / _PULSE)
        except OSError:
            return None

    def write(self, token: str, pulse: bytes) -> None:
        """Leave it in the run's folder, which is made anew if somebody took it away."""
        files.write_atomically(self.path / token / _PULSE, pulse)

    def remove(self, token: str) -> None:
        """Take the run's folder away."""
        shutil.rmtree(self.path / token, ignore_errors=True)
        with suppress(OSError):
            # Others may still be here.
            self.path.rmdir()


@dataclass(slots=True, kw_only=True)
class Presence:
    """This run among those of one results folder; ``clock`` is this machine's own, from anywhere on."""

    folder: MatrixFolder
    machine: Machine = field(default_factory=here)
    is_alone: bool = True
    clock: Clock = time.monotonic
    token: str = field(default_factory=lambda: secrets.token_hex(6))
    store: Board | None = None
    _plan: str | None = None
    _beats: int = 0
    _seen: dict[str, tuple[Pulse | None, float]] = field(default_factory=dict)
    _lives: set[str] = field(default_factory=set)
    _beating: threading.Lock = field(default_factory=threading.Lock)

    @property
    def path(self) -> Path:
        """The run's own folder; who holds the lock in it is at work."""
        return self._runs / self.token

    @property
    def board(self) -> Board:
        """Where runs find one another: in the folder, or in the store that it stands for."""
        return FolderBoard(self._runs) if self.store is None else self.store

    @property
    def _runs(self) -> Path:
        return self.folder.path / "runs"

    def beat(self) -> None:
        """Let the others see that this run is at work."""
        with self._beating:
            self._beats += 1
            pulse = Pulse(machine=self.machine, is_alone=self.is_alone, plan=self._plan, beats=self._beats)
            self.board.write(self.token, pulse.text())

    def plans(self, cell_ids: Sequence[str]) -> None:
        """Say which cells this run searches.

        Raises:
            ResultsError: Another run at work here searches others.
        """
        self._plan = files.digest(sorted(cell_ids))
        self.beat()
        for token in self.others():
            pulse = self._pulse(token)
            if pulse is not None and pulse.plan not in (None, self._plan) and self.life(token) is not Life.DEAD:
                raise ResultsError(
                    f"{self.folder.path}: a run on {pulse.machine.host} searches other cells here: its matrix, data, "
                    f"packages or harness differ; make them alike, or choose another folder with --results"
                )

    def others(self) -> list[str]:
        """Return the tokens of the other runs that have a folder here, dead ones included."""
        return [token for token in self.board.names() if token != self.token]

    def life(self, token: str) -> Life:
        """Return what is known of another run, after a look at it now."""
        pulse, now = self._pulse(token), self.clock()
        before = self._seen.get(token)
        if before is None or before[0] != pulse:
            if before is not None:
                self._lives.add(token)
            self._seen[token] = pulse, now
        elif now - before[1] > LEASE_S:
            return Life.DEAD
        if self.is_alone and token not in self.board.names():
            # It left while nobody else could come.
            return Life.DEAD
        run = MatrixFolder(self._runs / token)
        if pulse is not None and pulse.machine.kernel == self.machine.kernel and run.lock.exists():
            # Its kernel is ours, which lets go of a dead process's locks at once.
            return Life.DEAD if run.is_abandoned else Life.ALIVE
        return Life.ALIVE if token in self._lives else Life.UNKNOWN

    def forget(self, token: str) -> None:
        """Take away the folder of a run that is dead."""
        self.board.remove(token)

    def host_of(self, token: str) -> str:
        """Return what people call the host of another run."""
        pulse = self._pulse(token)
        return "another host" if pulse is None else pulse.machine.host

    def bears(self, token: str) -> bool:
        """Whether this run and another may both be at work here."""
        pulse = self._pulse(token)
        return not self.is_alone and pulse is not None and not pulse.is_alone

    def _pulse(self, token: str) -> Pulse | None:
        return Pulse.read(self.board.read(token))

    def leave(self) -> None:
        """Take away what is of this run."""
        self.board.remove(self.token)
