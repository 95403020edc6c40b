"""What commands print on standard output: lines, and tables of one look that fit the terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from harness.cli import streams
from harness.reports.report_types import TableSection

# Where there is no terminal, rich would guess eighty columns, too few for the tables.
_FILE_WIDTH = 160
_LEAST_WIDTH = 20
_INDENT = "  "


def console() -> Console:
    """Return a console on standard output that takes names literally; where that is no terminal, it is wide."""
    return Console(markup=False, highlight=False, emoji=False, width=_width())


def _width() -> int | None:
    asked = os.environ.get("COLUMNS", "")
    if asked and not asked.strip("0"):
        # What sets it to 0 means that it doesn't know; rich would print nothing at all.
        return shutil.get_terminal_size((_FILE_WIDTH, 0)).columns
    is_known = sys.stdout.isatty() or asked.isdecimal()
    return None if is_known else _FILE_WIDTH


def room(chosen: Console) -> int:
    """Return how many characters a line of the console holds."""
    return max(chosen.width, _LEAST_WIDTH)


def say(text: str, *, on: Console | None = None, style: str = "") -> None:
    """Print a line: on a terminal broken between words alone, elsewhere not at all."""
    chosen = console() if on is None else on
    line = streams.shown(text, chosen.file)
    # A word that is longer than a line, a path say, stays whole.
    indent = line[: len(line) - len(line.lstrip())]
    parts = wrapped(line, room(chosen), hang=2 * indent) if chosen.is_terminal else [line]
    chosen.print(Text("\n".join(parts), style=style), soft_wrap=True)


def table(section: TableSection, *, on: Console | None = None) -> int:
    """Print a table, its notes left to the caller; return how many of its columns were left out.

    No word is broken, and no number at all. Where there is too little room, the section's ``optional`` columns are left
    out, the first of them first; where that is not enough, each row stands as keys and values.
    """
    chosen = console() if on is None else on
    made, widths = _fitted(_shown(section, chosen), room(chosen))
    if made.heading:
        say(made.heading, on=chosen, style="bold")
    if widths is None:
        for line in _as_pairs(made, room(chosen)):
            chosen.print(Text(line), soft_wrap=True)
    else:
        chosen.print(_as_table(made, widths))
    return len(section.columns) - len(made.columns)


def wrapped(text: str, width: int, *, hang: str = "") -> list[str]:
    """Return ``text`` in lines of so many characters, broken between words; a longer word has a line of its own."""
    made = textwrap.wrap(text, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)
    return made or [""]


def _shown(section: TableSection, chosen: Console) -> TableSection:
    def cleaned(texts: Sequence[str]) -> list[str]:
        return [streams.shown(text, chosen.file) for text in texts]

    return replace(
        section,
        columns=cleaned(section.columns),
        rows=[cleaned(row) for row in section.rows],
        optional=cleaned(section.optional),
    )


def _fitted(section: TableSection, width: int) -> tuple[TableSection, list[int] | None]:
    """Return what there is room for, and how wide its columns are; None where even that is too much for a table."""
    made, widths = section, _widths(section, width)
    for count in range(1, len(section.optional) + 1):
        if widths is not None:
            break
        made = _without(section, section.optional[:count])
        widths = _widths(made, width)
    return made, widths


def _without(section: TableSection, left_out: Sequence[str]) -> TableSection:
    kept = [index for index, column in enumerate(section.columns) if column not in left_out]
    columns = [section.columns[index] for index in kept]
    return replace(section, columns=columns, rows=[[row[index] for index in kept] for row in section.rows])


def _widths(section: TableSection, width: int) -> list[int] | None:
    """Return how wide each column is; None where the longest words and whole numbers can't stand side by side.

    What is left over goes to the narrowest text that has use for it.
    """
    ranges = list(_ranges(section))
    widths = [least for least, _ in ranges]
    # Each column has a space at its end, and there is one before, between and after all of them.
    left = width - sum(widths) - 2 * len(widths) - 1
    if left < 0:
        return None
    for _ in range(left):
        growing = [index for index, (_, most) in enumerate(ranges) if widths[index] < most]
        if not growing:
            break
        widths[min(growing, key=widths.__getitem__)] += 1
    return widths


def _ranges(section: TableSection) -> Iterator[tuple[int, int]]:
    """Yield the least and the most width that each column has use for: heads and text are broken at spaces alone."""
    for index, column in enumerate(section.columns):
        cells = [row[index] for row in section.rows]
        whole = max(map(cell_len, cells), default=0)
        least = _longest_word(cells) if index < section.text_columns else whole
        yield max(least, _longest_word([column])), max(whole, cell_len(column))


def _longest_word(texts: Sequence[str]) -> int:
    return max((cell_len(word) for text in texts for word in text.split(" ")), default=0)


def _as_table(section: TableSection, widths: Sequence[int]) -> Table:
    made = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, (column, width) in enumerate(zip(section.columns, widths, strict=True)):
        justify: JustifyMethod = "left" if index < section.text_columns else "right"
        made.add_column(Text(column), justify=justify, width=width)
    for row in section.rows:
        # Text, not markup: a name may hold square brackets.
        made.add_row(*map(Text, row))
    return made


def _as_pairs(section: TableSection, width: int) -> Iterator[str]:
    """Yield each row as keys and values, its first cell as their head."""
    for row in section.rows:
        yield ""
        for index, (column, cell) in enumerate(zip(section.columns, row, strict=True)):
            indent = _INDENT if index else ""
            yield from wrapped(f"{indent}{column}: {cell}", width, hang=2 * _INDENT)
    yield ""
