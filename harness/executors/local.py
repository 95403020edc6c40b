"""Workers as processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from harness import environment
from harness.environment import Identity
from harness.executors.contract import SETTINGS, Devices, Ended, Running, ended_by
from harness.executors.slots import WHOLE, Slot

POLITE_S = 5.0
"""Seconds that a worker has to end by itself when it is asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalExecutor:
    """Starts each worker as a fresh process with this Python.

    With ``needs_gpu``, or on a slot with a GPU, it is to end before its search begins where it sees none.
    """

    needs_gpu: bool = False

    name: ClassVar[str] = "local"
    devices: ClassVar[Devices] = Devices.OF_HOST

    def identity(self) -> Identity:
        """Return what this Python is: its packages and the harness's sources."""
        return environment.identity()

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot = WHOLE) -> LocalRunning:
        """Start the worker's ``program`` on a cell folder; its output goes to ``log``."""
        started = time.monotonic()
        command = [sys.executable, "-m", "harness.worker", program, str(folder), str(cache), repr(started)]
        with log.open("ab") as output, held_to(slot.cpus):
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **SETTINGS, **self.told(slot), **host()},
                # Ctrl-C goes to the host alone, which then ends its worker itself.
                start_new_session=True,
            )
        return LocalRunning(process, started)

    def told(self, slot: Slot) -> dict[str, str]:
        """Return what a worker on ``slot`` is told by its environment besides what all are."""
        seen = {} if slot.gpu is None else {"CUDA_VISIBLE_DEVICES": slot.gpu}
        needs = {environment.NEEDS_GPU: "1"} if self.needs_gpu or slot.gpu is not None else {}
        return {**slot.settings, **seen, **needs}


@dataclass(slots=True)
class LocalRunning:
    """A process at work."""

    process: subprocess.Popen[bytes]
    started: float
    _end: Ended | None = None

    def wait(self, timeout_s: float) -> Ended | None:
        """Wait for the end, at most so long; return None while it still runs."""
        if self._end is None:
            with suppress(subprocess.TimeoutExpired):
                self._end = ended(self.process.wait(timeout_s), started=self.started)
        return self._end

    def stop(self) -> Ended:
        """End the process and whatever it started: SIGTERM, then SIGKILL."""
        return stopped(self, self.process.pid)


def stopped(running: Running, pid: int) -> Ended:
    """End a process and whatever it started, which is its process group: SIGTERM, then SIGKILL."""
    found = running.wait(0.0)
    if found is None:
        _signal_group(pid, signal.SIGTERM)
        found = running.wait(POLITE_S)
    if found is None:
        _signal_group(pid, signal.SIGKILL)
    # Nothing outlives that signal but for a moment in which the kernel is busy with it.
    while found is None:
        found = running.wait(POLITE_S)
    return found


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def ended(code: int, *, started: float) -> Ended:
    """Return how a process ended just now: ``code`` is its exit code, negative for a signal."""
    return ended_by(code, wall_s=time.monotonic() - started)


def host() -> dict[str, str]:
    """Return what a worker is told of this process: whom not to outlive, and which sources it has to have, too."""
    return {"HARNESS_HOST_PID": str(os.getpid()), environment.SOURCES: environment.expected_sources()}


@contextmanager
def held_to(cpus: tuple[int, ...] | None) -> Iterator[None]:
    """Hold this thread to processors, which a process that it starts inherits.

    So nothing of the worker ever ran elsewhere: pinned by its number it would have begun to, and a worker that pins
    itself has its interpreter started by then.
    """
    if cpus is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
