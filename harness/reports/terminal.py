"""The efficiency table for whoever has just run a matrix."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.reports import efficiency
from harness.reports.report import Report

if TYPE_CHECKING:
    from rich.console import Group as Rendered
    from rich.console import JustifyMethod, RenderableType
    from rich.table import Table

    from harness.reports.report import Section


# What doesn't fit into a hundred and twenty columns; the files hold it.
_WIDE = ("total s", "device s", "USD", "epochs")

# More scroll past unread, and take seconds to lay out.
_MOST_GROUPS = 20


def narrowed(report: Report) -> Report:
    """Return what a terminal shows of the efficiency report: no best hyperparameters, no CSV, not too many groups."""
    tables = [section for section in report.sections if not section.heading.startswith(efficiency.BEST)]
    more = (
        [f"Shown are {_MOST_GROUPS} of {len(tables)} groups; the files hold all."] if len(tables) > _MOST_GROUPS else []
    )
    sections = list(map(_narrow, tables[:_MOST_GROUPS]))
    return replace(report, sections=sections, notes=[*more, *report.notes], columns=(), rows=())


def terminal(shown: Report) -> Rendered:
    """Return a ``narrowed`` report to be printed on a ``rich`` console."""
    # rich is needed by few commands and slow to import.
    from rich.console import Group  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    parts: list[RenderableType] = []
    for section in shown.sections:
        parts += [table(section), *map(Text, section.notes), Text()]
    return Group(*(parts or [Text(shown.empty)]), *map(Text, shown.notes))


def table(section: Section) -> Table:
    """Return one readable table, to be printed on a ``rich`` console."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    made = Table(title=Text(section.heading), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, column in enumerate(section.columns):
        justify: JustifyMethod = "left" if index < section.text_columns else "right"
        made.add_column(Text(column), justify=justify, overflow="fold")
    for row in section.rows:
        # Text, not markup: a name may hold square brackets.
        made.add_row(*map(Text, row))
    return made


def _narrow(section: Section) -> Section:
    shown = [index for index, column in enumerate(section.columns) if column not in _WIDE]
    columns = [section.columns[index] for index in shown]
    return replace(section, columns=columns, rows=[[row[index] for index in shown] for row in section.rows])
