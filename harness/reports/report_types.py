"""What a report is before anyone decides how it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CsvValue = str | int | float | None
"""None is unknown; an infinite number was never reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSection:
    """One readable table: cells are text as a reader sees it; ``text_columns`` are the left-aligned first ones.

    Where there is no room for all columns, the ``optional`` ones are left out, the first of them first.
    """

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    notes: Sequence[str] = ()
    optional: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report: the readable sections, the notes beneath them, and every number in full for a spreadsheet.

    ``columns`` are the spreadsheet's heads; ``rows`` map them to values, where a missing key is unknown.
    ``first_notes`` are those of the notes that nobody must miss, where there is no room for all.
    """

    name: str
    title: str
    sections: Sequence[TableSection]
    notes: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Mapping[str, CsvValue]]
    first_notes: Sequence[str] = ()
    empty: str = "Nothing was planned."
