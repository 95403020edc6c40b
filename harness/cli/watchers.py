"""Progress: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from harness.campaign import forecast
from harness.campaign.watching import Progress as CellProgress
from harness.campaign.watching import State, Watcher
from harness.cells import Cell
from harness.datasets import told
from harness.metric import name_of


@contextmanager
def watcher(matrix: str, *, quiet: bool = False) -> Iterator[Watcher]:
    """Give a watcher that suits standard output; a quiet one leaves that to JSON and writes to standard error."""
    if quiet or not sys.stdout.isatty():
        yield Lines(matrix, sys.stderr if quiet else sys.stdout)
        return
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(markup=False, highlight=False),
    )
    with progress:
        yield Bars(matrix, progress)


class Lines:
    """A line when a cell ends."""

    def __init__(self, matrix: str, stream: TextIO) -> None:
        self._matrix = matrix
        self._stream = stream
        self._position = 0
        self._total = 0

    def begins(self, *, total: int, finished: int) -> None:
        """Say how much there is to do."""
        self._position, self._total = finished, total
        kept = f", {finished} of them finished earlier" if finished else ""
        self._say(f"{self._matrix}: {total} cells{kept}")

    def prepares(self, cell: Cell) -> None:
        """Say what is prepared."""
        self._say(f"preparing {cell.names.dataset} for {cell.names.backbone}")

    def data_are_known(self, name: str, facts: Mapping[str, Any]) -> None:
        """Say what is trained on, and what was left out."""
        self._say(f"{name}: {told.line(facts)}")

    def cell_begins(self, cell: Cell) -> None:
        """Say nothing: it will be said how the cell ended."""

    def cell_advances(self, cell: Cell, progress: CellProgress) -> None:
        """Say nothing: a line for each epoch would bury the rest."""

    def cell_ends(self, cell: Cell, state: State, *, reason: str | None, best_f1: float | None, wall_s: float) -> None:
        """Count the cell and say how it ended."""
        self._position += 1
        how = f"{ending(cell, state, reason, best_f1)}, {wall_s:.1f} total s"
        self._say(f"[{self._position}/{self._total}] {describe(cell)}: {how}")

    def cell_was_disturbed(self, cell: Cell, *, by: str) -> None:
        """Warn at once."""
        self._say(disturbed(cell, by))

    def _say(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class Bars:
    """A bar for the matrix, and two for each running cell: its own, and below it its trial's."""

    def __init__(self, matrix: str, progress: Progress) -> None:
        self._name = matrix
        self._progress = progress
        self._matrix: TaskID | None = None
        self._running: dict[str, tuple[TaskID, TaskID]] = {}

    def begins(self, *, total: int, finished: int) -> None:
        """Show the matrix's bar."""
        self._matrix = self._progress.add_task(self._name, total=total, completed=finished, note="")

    def prepares(self, cell: Cell) -> None:
        """Say what is prepared."""
        self._progress.console.print(f"preparing {cell.names.dataset} for {cell.names.backbone}")

    def data_are_known(self, name: str, facts: Mapping[str, Any]) -> None:
        """Say what is trained on, and what was left out."""
        self._progress.console.print(f"{name}: {told.line(facts)}", soft_wrap=True)

    def cell_begins(self, cell: Cell) -> None:
        """Show the cell's bar and its trial's."""
        self._running[cell.id] = (
            self._progress.add_task(describe(cell), total=forecast.most_epochs(cell), note="starting"),
            self._progress.add_task("trial", total=cell.protocol.epochs_per_trial, note=""),
        )

    def cell_advances(self, cell: Cell, progress: CellProgress) -> None:
        """Move the bars of the cell and its trial."""
        if cell.id not in self._running:
            return
        search, trial = self._running[cell.id]
        score = name_of(cell.protocol.metric)
        self._progress.update(search, completed=progress.epochs_done, note=f"best {score} {progress.best_f1:.3f}")
        self._progress.update(
            trial,
            description=f"trial {progress.trial + 1}",
            completed=progress.epoch,
            total=progress.last_epoch,
            note=f"{score} {progress.val_f1:.3f}",
        )

    def cell_ends(self, cell: Cell, state: State, *, reason: str | None, best_f1: float | None, wall_s: float) -> None:
        """Take the cell's bars away and say how it ended."""
        for task in self._running.pop(cell.id, ()):
            self._progress.remove_task(task)
        if self._matrix is not None:
            self._progress.advance(self._matrix)
        line = f"{describe(cell)}: {ending(cell, state, reason, best_f1)}, {wall_s:.1f} total s"
        self._progress.console.print(line, soft_wrap=True)

    def cell_was_disturbed(self, cell: Cell, *, by: str) -> None:
        """Warn at once."""
        self._progress.console.print(disturbed(cell, by), soft_wrap=True)


def describe(cell: Cell) -> str:
    """Name a cell in a line."""
    names = cell.names
    return f"{names.dataset} · {names.backbone} · {names.hyperparameters} · {names.tuner} · seed {cell.seed}"


def ending(cell: Cell, state: State, reason: str | None, best_f1: float | None) -> str:
    """Say how a cell ended."""
    name = name_of(cell.protocol.metric)
    score = f"no {name}" if best_f1 is None else f"validation {name} {best_f1:.3f}"
    return score if state is State.OK else f"{state}, {score}: {reason}"


def disturbed(cell: Cell, by: str) -> str:
    """Warn that a cell's seconds aren't to be trusted."""
    return f"warning: {describe(cell)}: {by}; its seconds are not to be trusted, let nothing else run"
