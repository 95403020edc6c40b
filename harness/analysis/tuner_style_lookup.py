"""What kind of tuner each name of a matrix stands for, and so how it looks wherever it is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from harness import tuner_plot_styles
from harness.analysis.search_groups import Group, Row
from harness.tuner_plot_styles import Style, TunerKind


def styles(groups: Sequence[Group]) -> dict[str, Style]:
    """Return each tuner's look, in the order of the matrix."""
    kinds: dict[str, TunerKind] = {}
    for row in (row for group in groups for row in group.rows):
        kind = _kind(row)
        if kinds.get(row.tuner, TunerKind()) == TunerKind():
            kinds[row.tuner] = kind
    return tuner_plot_styles.styles(kinds)


def _kind(row: Row) -> TunerKind:
    for search in row.searches:
        if search.asked.tuner is not None:
            return TunerKind(tuner=search.asked.tuner.tuner, pruner=search.asked.tuner.pruner)
    return TunerKind()
