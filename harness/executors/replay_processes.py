"""Processes that search many cells each, one after another: replays, which take milliseconds.

See ``harness.worker.replay_process`` for the other side.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from harness.executors import local
from harness.executors.contract import SETTINGS
from harness.executors.slots import Slot

_MODULE = "harness.worker.replay_process"
# The one that is searched, and one that waits, so that no process waits for its answer to be taken in.
_AHEAD = 2
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class ReplayAsked:
    """A cell by its name, as JSON."""

    name: str
    cell: bytes


@dataclass(frozen=True, slots=True)
class ReplayAnswer:
    """What became of a cell: its outcome as JSON, and its trials' lines; both empty where it didn't end well."""

    name: str
    slot: Slot
    outcome: bytes
    trials: bytes
    is_last: bool = False
    """Whether the process ended in the midst of the search."""


@dataclass(frozen=True, slots=True)
class _Process:
    """A process, and what it was asked and hasn't answered, the first first."""

    running: subprocess.Popen[bytes]
    connection: Connection
    slot: Slot
    asked: deque[ReplayAsked] = field(default_factory=deque)

    @classmethod
    def begun(cls, slot: Slot, scratch: Path) -> _Process:
        """Start one."""
        ours, its = Pipe()
        scratch.mkdir(exist_ok=True)
        with its, local.held_to(slot.cpus):
            running = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(its.fileno()), str(scratch)],
                stdin=subprocess.DEVNULL,
                # Of a search that fails here all is told by the process that searches it again.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **SETTINGS, **slot.settings, **local.host()},
                pass_fds=[its.fileno()],
                start_new_session=True,
            )
        return cls(running, ours, slot)

    def ask(self, asked: ReplayAsked) -> None:
        """Ask for a search; that the process is gone is found when it is listened to."""
        self.asked.append(asked)
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send_bytes(asked.cell)

    def answer(self) -> ReplayAnswer:
        """Wait for the answer to what was asked first."""
        name = self.asked.popleft().name
        try:
            return ReplayAnswer(name, self.slot, self.connection.recv_bytes(), self.connection.recv_bytes())
        except (EOFError, ConnectionResetError):
            return ReplayAnswer(name, self.slot, b"", b"", is_last=True)

    def end(self) -> None:
        """End it and whatever it started, at once: what it was at can be searched again."""
        self.connection.close()
        with suppress(ProcessLookupError):
            os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait()


def answers(
    asked: Iterator[ReplayAsked], slots: Sequence[Slot], *, check: Callable[[], None]
) -> Iterator[ReplayAnswer]:
    """Have each cell searched in one of as many processes as there are slots; yield the answers as they come.

    A process that ends in the midst of a search takes no other search along: another takes its place. ``check`` is
    called at least every tenth of a second, and may raise, which ends all of them.
    """
    with tempfile.TemporaryDirectory(prefix="harness-replay-") as scratch, _ended_afterwards() as processes:
        waiting = deque[ReplayAsked]()

        def begin(slot: Slot) -> None:
            process = _Process.begun(slot, Path(scratch) / str(slots.index(slot)))
            processes.append(process)
            fill(process)

        def fill(process: _Process) -> None:
            while len(process.asked) < _AHEAD and (one := _next(waiting, asked)) is not None:
                process.ask(one)

        for slot in slots:
            begin(slot)
        while any(process.asked for process in processes):
            check()
            for process in _ready(processes):
                answer = process.answer()
                if answer.is_last:
                    processes.remove(process)
                    process.end()
                    waiting.extend(process.asked)
                    begin(process.slot)
                else:
                    fill(process)
                yield answer


def _next(waiting: deque[ReplayAsked], asked: Iterator[ReplayAsked]) -> ReplayAsked | None:
    return waiting.popleft() if waiting else next(asked, None)


def _ready(processes: Sequence[_Process]) -> list[_Process]:
    at_work = {process.connection: process for process in processes if process.asked}
    return [at_work[connection] for connection in wait(list(at_work), _LOOK_S) if isinstance(connection, Connection)]


@contextmanager
def _ended_afterwards() -> Iterator[list[_Process]]:
    processes: list[_Process] = []
    try:
        yield processes
    finally:
        for process in processes:
            process.end()
