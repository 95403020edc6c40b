"""What a campaign tells whoever watches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from harness.cells import Cell


class State(StrEnum):
    """What became of a cell."""

    OK = "ok"
    FAILED = "failed"  # the search's own end: a result
    MISSING = "missing"  # the machine's trouble: no result
    LEFT = "left"  # for a later run: the allowance had no room for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The latest epoch of a running cell."""

    trial: int
    epoch: int
    last_epoch: int
    val_f1: float
    epochs_done: int
    best_f1: float


class Watcher(Protocol):
    """Told of what happens; never asked."""

    def begins(self, *, total: int, finished: int) -> None:
        """A wave of cells begins; ``finished`` of them are kept from earlier runs."""
        ...

    def prepares(self, cell: Cell) -> None:
        """Data and frozen layers' activations that several cells share are computed."""
        ...

    def data_are_known(self, name: str, facts: Mapping[str, Any]) -> None:
        """What a data set came to is known, before the first of its cells begins; once for each data set."""
        ...

    def cell_begins(self, cell: Cell) -> None:
        """A cell's worker starts."""
        ...

    def cell_advances(self, cell: Cell, progress: Progress) -> None:
        """A running cell has finished another epoch."""
        ...

    def cell_ends(self, cell: Cell, state: State, *, reason: str | None, best_f1: float | None, wall_s: float) -> None:
        """A cell's worker has ended."""
        ...

    def cell_was_disturbed(self, cell: Cell, *, by: str) -> None:
        """The cell that ended shared its processors with others, so that its seconds aren't to be trusted."""
        ...


class ProgressFile:
    """Reads a growing ``progress.log``: a line ``trial epoch last_epoch val_f1`` for each epoch."""

    def __init__(self, path: Path) -> None:
        """Begin at the file's start."""
        self._path = path
        self._offset = 0
        self._epochs = 0
        self._best = 0.0

    def latest(self) -> Progress | None:
        """Return the newest whole line, or None where there is no new one."""
        lines = self._new_lines()
        if not lines:
            return None
        self._epochs += len(lines)
        self._best = max(self._best, *(float(line.split()[3]) for line in lines))
        trial, epoch, last_epoch, val_f1 = lines[-1].split()
        return Progress(
            trial=int(trial),
            epoch=int(epoch),
            last_epoch=int(last_epoch),
            val_f1=float(val_f1),
            epochs_done=self._epochs,
            best_f1=self._best,
        )

    def _new_lines(self) -> list[str]:
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                text = stream.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode().splitlines()
