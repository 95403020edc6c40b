"""The efficiency table for whoever has just run a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.analysis import Results, groups
from harness.carbon import Intensity
from harness.prices import Prices
from harness.reports import efficiency

if TYPE_CHECKING:
    from rich.console import Group as Rendered
    from rich.console import JustifyMethod, RenderableType
    from rich.table import Table

    from harness.reports.report import Section


# What fits into a hundred and twenty columns; the files hold the rest.
_NARROW = ("tuner", "seeds", "val F1", "test F1", "over random", "wall s", "thinking", "to target", "speed-up")


def terminal(results: Results, *, prices: Prices, carbon: Intensity) -> Rendered:
    """Return the efficiency table and its notes, to be printed on a ``rich`` console."""
    # rich is needed by few commands and slow to import.
    from rich.console import Group  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    tables = [efficiency.sections(group, prices=prices)[0] for group in groups(results)]
    report = efficiency.report(results, prices=prices, carbon=carbon)
    parts: list[RenderableType] = []
    for section in tables:
        parts += [_table(section), *map(Text, section.notes), Text()]
    return Group(*(parts or [Text(report.empty)]), *map(Text, report.notes))


def _table(section: Section) -> Table:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    shown = [index for index, column in enumerate(section.columns) if column in _NARROW]
    table = Table(title=Text(section.heading), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index in shown:
        justify: JustifyMethod = "left" if index < section.text_columns else "right"
        table.add_column(Text(section.columns[index]), justify=justify, overflow="fold")
    for row in section.rows:
        # Text, not markup: a name may hold square brackets.
        table.add_row(*(Text(row[index]) for index in shown))
    return table
