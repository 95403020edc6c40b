"""The table that a run ends with, and of its notes as many as are read."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.console import Console

from harness.cli import printing, streams
from harness.reports.report_types import Report
from harness.text_sanitising import counted

# At most so many lines stand beneath a table, and so many of them are of that table alone.
_LINES = 5
_OWN_LINES = 2


def show(report: Report) -> None:
    """Print a report that was ``narrowed`` for the terminal, and which of its files holds what there is no room for."""
    on = printing.console()
    columns = untold = used = 0
    for number, section in enumerate(report.sections):
        if number:
            printing.say("", on=on)
        columns = max(columns, printing.table(section, on=on))
        used, more = _tell(section.notes, lines=_OWN_LINES, on=on)
        untold += more
    notes = report.notes if report.sections else [report.empty, *report.notes]
    untold += _tell(notes, lines=_LINES - 1 - used, on=on)[1]
    left_out = [*([counted(columns, "column")] if columns else []), *([counted(untold, "note")] if untold else [])]
    if left_out:
        printing.say(f"More in tables/{report.name}.md: {' and '.join(left_out)}.", on=on)


def _tell(notes: Sequence[str], *, lines: int, on: Console) -> tuple[int, int]:
    """Print the first notes, as many as fit; return how many lines they take, and how many notes are untold.

    The first is told though it doesn't fit, up to an ellipsis.
    """
    told: list[str] = []
    whole, width = 0, printing.room(on)
    for note in (streams.shown(note, on.file) for note in notes):
        made = printing.wrapped(note, width)
        if len(told) + len(made) > lines or max(map(len, made)) > width:
            more = streams.spelt(" …", on.file)
            told = told or textwrap.wrap(note, width, max_lines=lines, placeholder=more, break_on_hyphens=False)
            break
        told += made
        whole += 1
    for line in told:
        printing.say(line, on=on)
    return len(told), len(notes) - whole
