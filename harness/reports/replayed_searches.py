"""Searches that were replayed on recorded curves: said wherever their seeds are, with what intervals are then over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.analysis import Group
from harness.text_sanitising import counted


def notes(groups: Sequence[Group]) -> list[str]:
    """Return what to know of replayed searches, once for each way in which seeds were used; nothing of trained ones."""
    found = [_note(group) for group in groups if any(s.is_replayed for s in group.searches)]
    return [*dict.fromkeys(found), *_imported(groups)]


def are_repeated(group: Group) -> bool:
    """Whether a tuner has several searches on one recorded seed."""
    return any(len(row.ok) > row.independent for row in group.rows)


def _note(group: Group) -> str:
    seeds = {search.training_seed for search in group.searches if search.is_replayed}
    replayed = f"Replayed on recorded curves of {counted(len(seeds), 'seed')}, not trained anew"
    if not are_repeated(group):
        return f"{replayed}."
    rows = _span(len(row.ok) for row in group.rows)
    each = _span(count for row in group.rows for count in Counter(s.training_seed for s in row.ok).values())
    return (
        f"{replayed}: {rows} searches per row, {each} on each. A tuner's searches on one recorded seed are averaged "
        "first; intervals and verdicts are over recorded seeds."
    )


def _imported(groups: Sequence[Group]) -> list[str]:
    searches = [search for group in groups for search in group.searches if search.environment.imported is not None]
    unknown = "machine, packages, data and model are unknown"
    said = {
        "Curves that others recorded": (True, f"{unknown}, and processor seconds are the tuners' alone"),
        "Searches of other tools": (False, f"{unknown}, and so is all that they cost but epochs"),
    }
    notes = []
    for what, (is_replayed, lacking) in said.items():
        names = sorted({str(s.environment.imported) for s in searches if s.is_replayed is is_replayed})
        notes += [f"{what} ({', '.join(names)}): {lacking}."] if names else []
    return notes


def _span(counts: Iterable[int]) -> str:
    """Return a number, or from which to which they go."""
    found = sorted(set(counts))
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"
