"""Progress: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.progress import Progress, TaskID

from harness.campaign import forecast
from harness.campaign.events import (
    CellBegins,
    CellDisturbed,
    CellEnds,
    DataKnown,
    EpochEnds,
    Event,
    PreparationBegins,
    Remark,
    State,
    Unreachable,
    Watch,
    WaveBegins,
)
from harness.campaign.time_left import Outlook
from harness.campaign.worker_progress import Progress as CellProgress
from harness.cells import Cell
from harness.cli import forecasts, missing_cells, printing, streams
from harness.cli.output_options import ALOUD, Voice
from harness.cli.progress_bars import Display
from harness.datasets import data_summary
from harness.score_names import name_of
from harness.text_sanitising import counted


@contextmanager
def watcher(matrix: str, *, voice: Voice = ALOUD) -> Iterator[Watch]:
    """Give a watcher that suits standard output, or standard error where the former is for paths or JSON alone.

    Whatever it is, remarks, and what can't run here, go to standard error.
    """

    def watch(event: Event) -> None:
        match event:
            case Remark(text=text):
                voice.remark(text)
            case Unreachable(reasons=reasons):
                missing_cells.say(reasons)
            case _:
                progress(event)

    with shower(matrix, voice) as progress:
        yield watch


@contextmanager
def shower(matrix: str, voice: Voice) -> Iterator[Watch]:
    """Give what shows how cells get on."""
    if voice.is_quiet:
        yield Troubles(matrix, sys.stderr)
    elif voice.is_json or not sys.stdout.isatty():
        yield Lines(matrix, sys.stderr if voice.is_json else sys.stdout)
    else:
        display = Display(printing.console())
        try:
            yield Bars(matrix, display)
        finally:
            display.stop()


class Lines:
    """A line when a cell begins, and one when it ends."""

    def __init__(self, matrix: str, stream: TextIO) -> None:
        self._matrix = matrix
        self._stream = stream
        self._position = 0
        self._total = 0
        self._outlook = Outlook()
        self._is_slow = False

    def __call__(self, event: Event) -> None:
        """Say what happens; nothing of an epoch: a line for each would bury the rest."""
        match event:
            case WaveBegins():
                self._begin(event)
            case CellEnds():
                self._end(event)
            case _:
                for line in told_of(event):
                    self._say(line)

    def _begin(self, wave: WaveBegins) -> None:
        """Say how much there is to do."""
        self._position, self._total, self._outlook = wave.finished, wave.total, wave.outlook
        kept = f", {wave.finished} of them finished earlier" if wave.finished else ""
        self._say(f"{self._matrix}: {counted(wave.total, 'cell')}{kept}")
        if self._outlook.is_known and wave.finished < wave.total:
            self._say(forecasts.left(self._outlook))

    def _end(self, end: CellEnds) -> None:
        """Count the cell and say how it ended."""
        self._position += 1
        line = f"[{self._position}/{self._total}] {describe(end.cell)}: {ending(end)}, {end.wall_s:.1f} total s"
        self._say(line, is_trouble=end.state is not State.OK)
        if self._outlook.is_slow and not self._is_slow:
            self._say(forecasts.left(self._outlook))
        self._is_slow = self._outlook.is_slow

    def _say(self, line: str, *, is_trouble: bool = False) -> None:  # noqa: ARG002 - for those who say that alone
        streams.say(line, self._stream)


class Troubles(Lines):
    """A line when a cell ends badly."""

    def _say(self, line: str, *, is_trouble: bool = False) -> None:
        if is_trouble:
            streams.say(line, self._stream)


class Bars:
    """A bar for the matrix, and two for each running cell: its own, and below it its trial's."""

    def __init__(self, matrix: str, display: Progress) -> None:
        self._name = matrix
        self._display = display
        self._matrix: TaskID | None = None
        self._running: dict[str, tuple[TaskID, TaskID]] = {}

    def __call__(self, event: Event) -> None:
        """Move the bars, and say above them what happens."""
        match event:
            case WaveBegins():
                self._begin(event)
            case CellBegins(cell=cell):
                self._show(cell)
            case EpochEnds(cell=cell, progress=progress):
                self._advance(cell, progress)
            case CellEnds():
                self._end(event)
            case _:
                for line in told_of(event):
                    self._say(line)

    def _begin(self, wave: WaveBegins) -> None:
        """Show the matrix's bar, with the forecast of the time that is left."""
        # Not before: an image that is built first writes to the terminal too.
        self._display.start()
        if self._matrix is not None:
            self._display.remove_task(self._matrix)
        self._matrix = self._display.add_task(
            self._shown(self._name),
            total=wave.total,
            completed=wave.finished,
            note=lambda: forecasts.left(wave.outlook),
            is_whole=True,
        )

    def _show(self, cell: Cell) -> None:
        """Show the cell's bar and its trial's."""
        self._running[cell.id] = (
            self._display.add_task(self._shown(describe(cell)), total=forecast.most_epochs(cell), note="starting"),
            self._display.add_task("trial", total=cell.protocol.epochs_per_trial, note=""),
        )

    def _advance(self, cell: Cell, progress: CellProgress) -> None:
        """Move the bars of the cell and its trial."""
        if cell.id not in self._running:
            return
        search, trial = self._running[cell.id]
        score = name_of(cell.protocol.metric)
        self._display.update(search, completed=progress.epochs_done, note=f"best {score} {progress.best_score:.3f}")
        self._display.update(
            trial,
            description=f"trial {progress.trial + 1}",
            completed=progress.epoch,
            total=progress.last_epoch,
            note=f"{score} {progress.val_score:.3f}",
        )

    def _end(self, end: CellEnds) -> None:
        """Take the cell's bars away and say how it ended."""
        for task in self._running.pop(end.cell.id, ()):
            self._display.remove_task(task)
        if self._matrix is not None:
            self._display.advance(self._matrix)
        self._say(f"{describe(end.cell)}: {ending(end)}, {end.wall_s:.1f} total s")

    def _say(self, line: str) -> None:
        printing.say(line, on=self._display.console)

    def _shown(self, text: str) -> str:
        return streams.shown(text, self._display.console.file)


def told_of(event: Event) -> list[str]:
    """Return the lines that say what happened; none for what is said elsewhere, before and after the cells run."""
    match event:
        case PreparationBegins(cell=cell):
            return [f"preparing {cell.names.dataset} for {cell.names.backbone}"]
        case DataKnown(dataset=name, facts=facts):
            return [f"{name}: {data_summary.line(facts)}{data_summary.classes(facts)}"]
        case CellBegins(cell=cell):
            return [f"begins: {describe(cell)}"]
        case CellDisturbed(cell=cell, by=by):
            busy = f"{by}; its seconds are not to be trusted, let nothing else run"
            return [f"warning: {describe(cell)}: {busy}"]
        case _:
            return []


def describe(cell: Cell) -> str:
    """Name a cell in a line."""
    names = cell.names
    return f"{names.dataset} · {names.backbone} · {names.hyperparameters} · {names.tuner} · seed {cell.seed}"


def ending(end: CellEnds) -> str:
    """Say how a cell ended."""
    name = name_of(end.cell.protocol.metric)
    score = f"no {name}" if end.best_score is None else f"validation {name} {end.best_score:.3f}"
    return score if end.state is State.OK else f"{end.state}, {score}: {end.reason}"
