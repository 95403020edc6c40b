"""Workers forked from a process that has imported everything: they start in a hundredth of the time.

See ``harness.worker.fork_server`` for the other side, and docs/decisions/012-warm-workers.md.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from harness.environment import Identity
from harness.executors import local
from harness.executors.contract import SETTINGS, Devices, Ended
from harness.executors.local import LocalExecutor, LocalRunning
from harness.executors.slots import WHOLE, Slot

_MODULE = "harness.worker.fork_server"
_READY_BYTES = 16


def can_fork() -> bool:
    """Whether this system lets a process be forked and watched as is needed here: Linux does."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def say_nothing(_: str) -> None:
    """Say it to nobody."""


@contextmanager
def warmed(fresh: LocalExecutor, *, owner: Path, say: Callable[[str], None] = say_nothing) -> Iterator[WarmExecutor]:
    """Give an executor whose workers are forked, and end what they are forked from afterwards.

    ``say`` is told where workers can't be forked.
    """
    executor = WarmExecutor(fresh, owner, say)
    try:
        yield executor
    finally:
        executor.close()


@dataclass(slots=True)
class WarmExecutor:
    """Starts each worker as a fork of one process, which the first of them waits for.

    Where that process can't be had, workers are fresh processes, which tell in their logs what is wrong. ``owner`` is
    the folder that they work for, by which the process is known among others.
    """

    fresh: LocalExecutor
    owner: Path
    say: Callable[[str], None] = field(default=say_nothing, compare=False)
    _server: Server | None = None
    _is_given_up: bool = False

    name: ClassVar[str] = "local"
    devices: ClassVar[Devices] = Devices.OF_HOST

    def identity(self) -> Identity:
        """Return what this Python is: its packages and the harness's sources."""
        return self.fresh.identity()

    def start(
        self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot = WHOLE
    ) -> WarmRunning | LocalRunning:
        """Start the worker's ``program`` on a cell folder; its output goes to ``log``."""
        server = self._live(log)
        # After that: what the first worker waits for is no worker's, so that the seconds of all can be compared.
        started = time.monotonic()
        if server is not None:
            message = {
                "program": program,
                "folder": str(folder),
                "cache": str(cache),
                "started": repr(started),
                "settings": self.fresh.told(slot),
                "cpus": None if slot.cpus is None else list(slot.cpus),
            }
            with log.open("ab") as output:
                running = server.forked(message, log=output.fileno(), started=started)
            if running is not None:
                return running
            self._give_up(log)
        return self.fresh.start(program, folder, cache=cache, log=log, slot=slot)

    def close(self) -> None:
        """End the process that workers are forked from, and with it those that are still at work."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _live(self, log: Path) -> Server | None:
        """Return the process that workers are forked from once it can fork; None where it can't be had."""
        if self._is_given_up or (self._server is not None and not self._server.has_ended):
            return self._server
        self.close()
        with log.open("ab") as output:
            self._server = Server.begun(self.owner, output.fileno())
        if not self._server.is_ready():
            self._give_up(log)
        return self._server

    def _give_up(self, log: Path) -> None:
        self._is_given_up = True
        self.close()
        self.say(f"workers can't be forked here, each imports everything by itself: {log} says why")


@dataclass(frozen=True, slots=True)
class Server:
    """The process that workers are forked from, and the socket that it listens to."""

    process: subprocess.Popen[bytes]
    channel: socket.socket

    @classmethod
    def begun(cls, owner: Path, log: int) -> Server:
        """Start one; what it prints while it imports goes to ``log``."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(its.fileno()), str(owner)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **SETTINGS, **local.host()},
                pass_fds=[its.fileno()],
                start_new_session=True,
            )
        return cls(process, ours)

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self.process.poll() is not None

    def is_ready(self) -> bool:
        """Wait until it can fork; False where it ends before."""
        try:
            return self.channel.recv(_READY_BYTES) != b""
        except OSError:
            return False

    def forked(self, message: Mapping[str, object], *, log: int, started: float) -> WarmRunning | None:
        """Return a worker that does what the message says; None where there is no process to fork it from."""
        told, tells = os.pipe()
        try:
            socket.send_fds(self.channel, [json.dumps(message).encode()], [log, tells])
        except OSError:
            os.close(told)
            return None
        finally:
            os.close(tells)
        lines = _Lines(told)
        pid = lines.next()
        if pid is None:
            lines.close()
            return None
        return WarmRunning(pid, lines, started)

    def close(self) -> None:
        """End it, and with it the workers that are still at work."""
        self.channel.close()
        try:
            self.process.wait(local.POLITE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class WarmRunning:
    """A forked worker at work."""

    pid: int
    lines: _Lines
    started: float
    _end: Ended | None = None

    def wait(self, timeout_s: float) -> Ended | None:
        """Wait for the end, at most so long; return None while it still runs."""
        if self._end is None and self.lines.are_ready(timeout_s):
            code = self.lines.next()
            self.lines.close()
            # A worker whose end nobody tells was killed with the process that it was forked from.
            self._end = local.ended(-signal.SIGKILL if code is None else code, started=self.started)
        return self._end

    def stop(self) -> Ended:
        """End the process and whatever it started: SIGTERM, then SIGKILL."""
        return local.stopped(self, self.pid)


@dataclass(slots=True)
class _Lines:
    """Numbers from a pipe, a line each."""

    pipe: int
    _held: bytes = field(default=b"")

    def are_ready(self, timeout_s: float) -> bool:
        """Whether a number or the pipe's end is there within so long."""
        return b"\n" in self._held or bool(select.select([self.pipe], [], [], timeout_s)[0])

    def next(self) -> int | None:
        """Wait for the next number and return it; None where the pipe ends first."""
        while b"\n" not in self._held:
            more = os.read(self.pipe, 64)
            if not more:
                return None
            self._held += more
        line, _, self._held = self._held.partition(b"\n")
        return int(line)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.pipe)
