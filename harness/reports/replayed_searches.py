"""Searches that were replayed on recorded curves: said wherever their seeds are, with what that does to intervals."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Group
from harness.text_sanitising import counted


def warnings(groups: Sequence[Group]) -> list[str]:
    """Return what to know of replayed searches, once for each number of recorded seeds; nothing of trained ones."""
    return list(dict.fromkeys(line for group in groups for line in _of(group)))


def _of(group: Group) -> list[str]:
    curves = [
        search.record.cell.curves.seed
        for search in group.searches
        if search.record is not None and search.record.cell.curves is not None
    ]
    if not curves:
        return []
    recorded, most = len(set(curves)), max((len(row.ok) for row in group.rows), default=0)
    replayed = f"Replayed on recorded curves of {counted(recorded, 'seed')}, not trained anew."
    if most <= recorded:
        return [replayed]
    unlike = f"The {most} seeds per row are no {most} independent trainings"
    return [f"{replayed} {unlike}: intervals are too narrow, and verdicts too sure."]
