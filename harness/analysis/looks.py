"""What kind of tuner each name of a matrix stands for, and so how it looks wherever it is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from harness import palette
from harness.analysis.groups import Group, Row
from harness.palette import Kind, Style


def styles(groups: Sequence[Group]) -> dict[str, Style]:
    """Return each tuner's look, in the order of the matrix."""
    kinds: dict[str, Kind] = {}
    for row in (row for group in groups for row in group.rows):
        kind = _kind(row)
        if kinds.get(row.tuner, Kind()) == Kind():
            kinds[row.tuner] = kind
    return palette.styles(kinds)


def _kind(row: Row) -> Kind:
    for search in row.searches:
        if search.tuner is not None:
            pruner = search.section("tuner").get("pruner")
            return Kind(tuner=search.tuner, pruner=pruner if isinstance(pruner, str) else None)
    return Kind()
