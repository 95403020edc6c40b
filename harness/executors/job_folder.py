"""The folder of a job that takes cell after cell: how host and node ask and tell each other, in files that both see.

| file | written by | what |
|---|---|---|
| ``N.asked.json`` | host | what the job's worker number N, from 0, is to do |
| ``N.taken.json`` | node | the same file, renamed when the worker begins |
| ``N.withdrawn.json`` | host | the same file, renamed where the job has ended without it |
| ``N.ended`` | node | the worker's seconds and its exit code, negative for a signal |
| ``closed`` | host | nothing more will be asked |
| ``left`` | node | nothing more is waited for |

A file can be renamed once only, so that a cell is taken or withdrawn and never both.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import files

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRequest:
    """A program for a worker, with the paths that it is started with."""

    program: str
    folder: str
    cache: str
    log: str
    at_once: int


@dataclass(frozen=True, slots=True)
class JobFolder:
    """A job's folder, for the host and for the node."""

    path: Path

    def ask(self, number: int, asked: WorkerRequest) -> bool:
        """Ask for a worker; return False where the job had left by then, so that it never begins."""
        files.write_json(self.path / f"{number}.asked.json", asdict(asked))
        return not (self.path / "left").exists() or not self.withdraw(number)

    def withdraw(self, number: int) -> bool:
        """Ask for a worker no more; return False where it was taken."""
        return self._renamed(number, "withdrawn") is not None

    def close(self) -> None:
        """Ask for nothing more."""
        (self.path / "closed").touch()

    def end(self, number: int) -> tuple[float, int] | None:
        """Return a worker's seconds and exit code; None until it has ended."""
        try:
            seconds, code = (self.path / f"{number}.ended").read_text("ascii").split()
        except FileNotFoundError:
            return None
        return float(seconds), int(code)

    def take(self, number: int, *, patience_s: float) -> WorkerRequest | None:
        """Wait for the next worker to be asked for; return None where nothing more is waited for."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            asked = self._taken(number)
            if asked is not None:
                return asked
            if (self.path / "closed").exists():
                break
            time.sleep(_LOOK_S)
        (self.path / "left").touch()
        # What was asked for in that moment would wait for ever.
        return self._taken(number)

    def tell(self, number: int, *, wall_s: float, code: int) -> None:
        """Say how a worker ended."""
        files.write_atomically(self.path / f"{number}.ended", f"{wall_s!r} {code}\n".encode())

    def _taken(self, number: int) -> WorkerRequest | None:
        path = self._renamed(number, "taken")
        return None if path is None else WorkerRequest(**json.loads(path.read_text("utf-8")))

    def _renamed(self, number: int, became: str) -> Path | None:
        try:
            return (self.path / f"{number}.asked.json").rename(self.path / f"{number}.{became}.json")
        except FileNotFoundError:
            return None
