"""Bars that fit the terminal: beside what they are of where there is room for both, else beneath it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

_LONGEST_BAR, _SHORTEST_BAR = 40, 10
# More than any terminal has: to measure what would be shown if there were room.
_UNBOUNDED = 1000


class Display(Progress):
    """Progress of tasks that have a ``note``, text or what gives it; nothing is cut, and no time broken.

    A task that ``is_whole`` says what time is left in its note.
    """

    def __init__(self, console: Console, *, auto_refresh: bool = True) -> None:
        """Show nothing yet."""
        self._terminal = console
        self._bar = BarColumn(_LONGEST_BAR)
        self._count = MofNCompleteColumn(table_column=_whole())
        self._times = (TimeElapsedColumn(table_column=_whole()), _TimeLeft(table_column=_whole()))
        texts = _Words(lambda task: task.description), _Words(_note)
        columns = (texts[0], self._bar, self._count, texts[1], *self._times)
        super().__init__(*columns, console=console, auto_refresh=auto_refresh)

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield what is shown, for the width that the terminal has by now."""
        self._bar.bar_width = _LONGEST_BAR
        beside = self.make_tasks_table(self.tasks)
        lacking = self._wanted(beside) - self._terminal.width
        if lacking <= 0:
            yield beside
        elif lacking <= _LONGEST_BAR - _SHORTEST_BAR:
            self._bar.bar_width = _LONGEST_BAR - lacking
            yield self.make_tasks_table(self.tasks)
        else:
            self._bar.bar_width = _SHORTEST_BAR
            for task in self.tasks:
                yield from self._beneath(task)

    def _beneath(self, task: Task) -> Iterable[RenderableType]:
        with_note = self._line(task, _note(task))
        if self._wanted(with_note) <= self._terminal.width:
            yield from (Text(task.description), with_note)
        else:
            yield from (Text(f"{task.description}  {_note(task)}"), self._line(task, ""))

    def _line(self, task: Task, note: str) -> Table:
        made = Table.grid(padding=(0, 1))
        notes = [Text(note)] if note else []
        made.add_row(" ", self._bar(task), self._count(task), *notes, *(column(task) for column in self._times))
        return made

    def _wanted(self, shown: Table) -> int:
        return Measurement.get(self._terminal, self._terminal.options.update(width=_UNBOUNDED), shown).maximum


class _Words(ProgressColumn):
    def __init__(self, read: Callable[[Task], str]) -> None:
        super().__init__(_whole())
        self._read = read

    def render(self, task: Task) -> Text:
        return Text(self._read(task))


class _TimeLeft(TimeRemainingColumn):
    def render(self, task: Task) -> Text:
        return Text("") if task.fields.get("is_whole") else super().render(task)


def _whole() -> Column:
    return Column(no_wrap=True)


def _note(task: Task) -> str:
    note = task.fields["note"]
    return str(note() if callable(note) else note)
