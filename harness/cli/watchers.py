"""Progress: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from rich.progress import Progress, TaskID

from harness.campaign import forecast
from harness.campaign.outlook import Outlook
from harness.campaign.watching import Progress as CellProgress
from harness.campaign.watching import State, Watcher
from harness.cells import Cell
from harness.cli import forecasts, printing, streams
from harness.cli.bars import Display
from harness.cli.voice import ALOUD, Voice
from harness.datasets import told
from harness.metric import name_of


@contextmanager
def watcher(matrix: str, *, voice: Voice = ALOUD, outlook: Outlook | None = None) -> Iterator[Watcher]:
    """Give a watcher that suits standard output, or standard error where the former is for paths or JSON alone."""
    expected = outlook or Outlook()
    if voice.is_quiet:
        yield Troubles(matrix, sys.stderr, expected)
    elif voice.is_json or not sys.stdout.isatty():
        yield Lines(matrix, sys.stderr if voice.is_json else sys.stdout, expected)
    else:
        with Display(printing.console()) as display:
            yield Bars(matrix, display, expected)


class Lines:
    """A line when a cell begins, and one when it ends."""

    def __init__(self, matrix: str, stream: TextIO, outlook: Outlook) -> None:
        self._matrix = matrix
        self._stream = stream
        self._outlook = outlook
        self._position = 0
        self._total = 0

    def begins(self, *, total: int, finished: int) -> None:
        """Say how much there is to do."""
        self._position, self._total = finished, total
        kept = f", {finished} of them finished earlier" if finished else ""
        self._say(f"{self._matrix}: {total} cells{kept}")
        if self._outlook.is_known and finished < total:
            self._say(forecasts.left(self._outlook))

    def prepares(self, cell: Cell) -> None:
        """Say what is prepared."""
        self._say(f"preparing {cell.names.dataset} for {cell.names.backbone}")

    def data_are_known(self, name: str, facts: Mapping[str, Any]) -> None:
        """Say what is trained on, and what was left out."""
        self._say(f"{name}: {told.line(facts)}")

    def cell_begins(self, cell: Cell) -> None:
        """Say which cell begins."""
        self._outlook.begins(cell)
        self._say(f"begins: {describe(cell)}")

    def cell_advances(self, cell: Cell, progress: CellProgress) -> None:
        """Say nothing: a line for each epoch would bury the rest."""

    def cell_ends(self, cell: Cell, state: State, *, reason: str | None, best_f1: float | None, wall_s: float) -> None:
        """Count the cell and say how it ended."""
        was_slow = self._outlook.is_slow
        self._outlook.ends(cell, wall_s=wall_s if state is State.OK else None)
        self._position += 1
        how = f"{ending(cell, state, reason, best_f1)}, {wall_s:.1f} total s"
        self._say(f"[{self._position}/{self._total}] {describe(cell)}: {how}", is_trouble=state is not State.OK)
        if self._outlook.is_slow and not was_slow:
            self._say(forecasts.left(self._outlook))

    def cell_was_disturbed(self, cell: Cell, *, by: str) -> None:
        """Warn at once."""
        self._say(disturbed(cell, by))

    def _say(self, line: str, *, is_trouble: bool = False) -> None:  # noqa: ARG002 - for those who say that alone
        streams.say(line, self._stream)


class Troubles(Lines):
    """A line when a cell ends badly."""

    def _say(self, line: str, *, is_trouble: bool = False) -> None:
        if is_trouble:
            streams.say(line, self._stream)


class Bars:
    """A bar for the matrix, and two for each running cell: its own, and below it its trial's."""

    def __init__(self, matrix: str, display: Progress, outlook: Outlook) -> None:
        self._name = matrix
        self._display = display
        self._outlook = outlook
        self._matrix: TaskID | None = None
        self._running: dict[str, tuple[TaskID, TaskID]] = {}

    def begins(self, *, total: int, finished: int) -> None:
        """Show the matrix's bar, with the forecast of the time that is left."""
        if self._matrix is not None:
            self._display.remove_task(self._matrix)
        self._matrix = self._display.add_task(
            self._shown(self._name),
            total=total,
            completed=finished,
            note=lambda: forecasts.left(self._outlook),
            is_whole=True,
        )

    def prepares(self, cell: Cell) -> None:
        """Say what is prepared."""
        self._say(f"preparing {cell.names.dataset} for {cell.names.backbone}")

    def data_are_known(self, name: str, facts: Mapping[str, Any]) -> None:
        """Say what is trained on, and what was left out."""
        self._say(f"{name}: {told.line(facts)}")

    def cell_begins(self, cell: Cell) -> None:
        """Show the cell's bar and its trial's."""
        self._outlook.begins(cell)
        self._running[cell.id] = (
            self._display.add_task(self._shown(describe(cell)), total=forecast.most_epochs(cell), note="starting"),
            self._display.add_task("trial", total=cell.protocol.epochs_per_trial, note=""),
        )

    def cell_advances(self, cell: Cell, progress: CellProgress) -> None:
        """Move the bars of the cell and its trial."""
        if cell.id not in self._running:
            return
        search, trial = self._running[cell.id]
        score = name_of(cell.protocol.metric)
        self._display.update(search, completed=progress.epochs_done, note=f"best {score} {progress.best_f1:.3f}")
        self._display.update(
            trial,
            description=f"trial {progress.trial + 1}",
            completed=progress.epoch,
            total=progress.last_epoch,
            note=f"{score} {progress.val_f1:.3f}",
        )

    def cell_ends(self, cell: Cell, state: State, *, reason: str | None, best_f1: float | None, wall_s: float) -> None:
        """Take the cell's bars away and say how it ended."""
        self._outlook.ends(cell, wall_s=wall_s if state is State.OK else None)
        for task in self._running.pop(cell.id, ()):
            self._display.remove_task(task)
        if self._matrix is not None:
            self._display.advance(self._matrix)
        self._say(f"{describe(cell)}: {ending(cell, state, reason, best_f1)}, {wall_s:.1f} total s")

    def cell_was_disturbed(self, cell: Cell, *, by: str) -> None:
        """Warn at once."""
        self._say(disturbed(cell, by))

    def _say(self, line: str) -> None:
        printing.say(line, on=self._display.console)

    def _shown(self, text: str) -> str:
        return streams.shown(text, self._display.console.file)


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
