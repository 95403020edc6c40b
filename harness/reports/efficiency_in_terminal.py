"""The efficiency table for whoever has just run a matrix."""

from __future__ import annotations

from dataclasses import replace

from harness.reports import efficiency
from harness.reports.report_types import Report, TableSection

# What a narrow terminal has no room for, the first of them first; the files hold it.
_OPTIONAL = ("total s", "device s", "USD", "epochs", "speed-up", "to target", "thinking")

# More scroll past unread, and take seconds to lay out.
_MOST_GROUPS = 20


def narrowed(report: Report) -> Report:
    """Return what a terminal shows of the efficiency report: no best hyperparameters, not too many groups.

    The notes that nobody must miss come first.
    """
    tables = [section for section in report.sections if not section.heading.startswith(efficiency.BEST)]
    first = list(report.first_notes)
    if len(tables) > _MOST_GROUPS:
        first.insert(0, f"Shown are {_MOST_GROUPS} of {len(tables)} groups; the files hold all.")
    notes = [*first, *(note for note in report.notes if note not in first)]
    return replace(report, sections=list(map(_narrow, tables[:_MOST_GROUPS])), notes=notes, first_notes=first)


def _narrow(section: TableSection) -> TableSection:
    validation = [column for column in section.columns if column.startswith("val ")]
    return replace(section, optional=(*_OPTIONAL, *validation))
