"""The contract of an executor."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from harness import environment
from harness.environment import Identity
from harness.executors.slots import Slot

# What every worker is told by its environment, wherever it runs.
SETTINGS: Mapping[str, str] = {
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "KERAS_BACKEND": "tensorflow",
}

# Signals that a process brings upon itself: a crash inside a library is the search's own end, and happens again. SIGBUS
# is none of them: see ``BUS_ERROR``.
OWN_SIGNALS = ("SIGSEGV", "SIGABRT", "SIGFPE", "SIGILL")

# Shells and init programs tell a death by signal so.
_SIGNALLED = 128


class Cause(StrEnum):
    """Why a worker ended, where its exit code and signal don't tell."""

    OUT_OF_MEMORY = "out of memory"
    DEADLINE = "deadline"
    FOLDER_LIMIT = "folder too large"
    KILLED = "killed from outside"
    HALTED = "halted from outside"
    PREEMPTED = "preempted"
    ENGINE_GONE = "engine gone"
    ENGINE_REFUSED = "engine refused"
    IMAGE_MISSING = "image missing"
    NO_DISK = "no disk"
    UNREADABLE_FILE = "unreadable file"
    UNREADABLE_OUTCOME = "unreadable outcome"

    @property
    def is_trouble(self) -> bool:
        """True for the machine's trouble; what a search does to a limit that it was declared is its own end."""
        return self not in (Cause.OUT_OF_MEMORY, Cause.DEADLINE, Cause.FOLDER_LIMIT)


# Images and activations are memory-mapped: the disk's trouble with them comes as this signal, not as an exception.
BUS_ERROR = (
    Cause.UNREADABLE_FILE,
    "SIGBUS: a memory-mapped file was cut off or can't be read; check the disk of the cache, then run again",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a worker's process ended; durations only, as its clock may be another machine's.

    ``wall_s`` are the seconds from asking for it to its end, as seen from outside; the first ``launch_s`` of them had
    passed when it began to count its own, 0 where it was told when it was asked for. ``cause`` is set where the exit
    code alone would mislead, with ``detail`` in one line; ``evidence`` is what was seen from outside.
    """

    exit_code: int | None
    signal: str | None
    wall_s: float
    launch_s: float = 0.0
    cause: Cause | None = None
    detail: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A worker that could not be started: it has ended before it began."""

    ended: Ended

    def wait(self, timeout_s: float) -> Ended:
        """Return the end at once."""
        del timeout_s
        return self.ended

    def stop(self) -> Ended:
        """Return the end."""
        return self.ended


def told_apart(status: int | None) -> tuple[int | None, str | None]:
    """Return exit code and signal, of which a shell's or a container's status is one or the other."""
    if status is None or status <= _SIGNALLED:
        return status, None
    try:
        return None, signal.Signals(status - _SIGNALLED).name
    except ValueError:
        return status, None


def ended_by(code: int, *, wall_s: float, evidence: Mapping[str, Any] | None = None) -> Ended:
    """Return the end of a process, by its exit code as Python has it: negative for a signal."""
    cause, detail = BUS_ERROR if code == -signal.SIGBUS else (None, None)
    return Ended(
        exit_code=code if code >= 0 else None,
        signal=signal.Signals(-code).name if code < 0 else None,
        wall_s=wall_s,
        cause=cause,
        detail=detail,
        evidence={} if evidence is None else evidence,
    )


def code_of(ended: Ended) -> int:
    """Return the exit code of an end as Python has it."""
    return -signal.Signals[ended.signal] if ended.signal is not None else ended.exit_code or 0


def settings_elsewhere(*, needs_gpu: bool) -> dict[str, str]:
    """Return what a worker of another machine is told by its environment, besides what its slot says."""
    needs = {environment.NEEDS_GPU: "1"} if needs_gpu else {}
    return {**SETTINGS, **needs, environment.SOURCES: environment.sources_hash()}


class Devices(StrEnum):
    """Which of this machine's GPUs a worker sees."""

    OF_HOST = "all that this process sees, unless its slot names one"
    OF_SLOT = "its slot's alone"
    ELSEWHERE = "none of them"


class Running(Protocol):
    """A worker at work."""

    def wait(self, timeout_s: float) -> Ended | None:
        """Wait for the end, at most so long; return None while it still runs."""
        ...

    def stop(self) -> Ended:
        """End it: politely, then by force."""
        ...


class Executor(Protocol):
    """What starts workers."""

    @property
    def name(self) -> str:
        """``local``, ``docker``, or what messages call one of the user's own."""
        ...

    @property
    def devices(self) -> Devices:
        """Which GPUs of this machine its workers see, so that the right one is metered."""
        ...

    def identity(self) -> Identity:
        """Return what the workers' environment and sources are; cells are planned for it, and workers check it."""
        ...

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot) -> Running:
        """Start a program (``search``, ``prepare``, ``save``, ``probe``) on a cell folder; its output goes to ``log``.

        A program is ``python -m harness.worker PROGRAM FOLDER CACHE``, with ``SETTINGS`` and the slot's in its
        environment.

        From its first instruction it is held to the processors of ``slot``, and sees no other GPU than the slot's;
        where the slot has none, a container gets none and a process sees all.

        A worker that can't be started is one that has ended, with the cause.
        """
        ...
