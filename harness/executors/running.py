"""The contract of an executor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a worker's process ended; ``wall_s`` is its whole life as seen from outside.

    ``finished`` is the reading of the monotonic clock at its end, which workers of this machine share.
    """

    exit_code: int | None
    signal: str | None
    wall_s: float
    finished: float


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

    def start(self, program: str, folder: Path, *, cache: Path, log: Path) -> Running:
        """Start the worker's ``program`` (``search`` or ``prepare``) on a cell folder; its output goes to ``log``."""
        ...
