"""The best configuration that each group's searches found, chosen on validation images alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.analysis.results_reading import MatrixResults, SearchResult, Status
from harness.analysis.search_groups import Group, Row, groups
from harness.results_folder import GroupName
from harness.search_types import is_better


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """A group, the searches that could have won in it, and the one that did; None where none ended with a score.

    ``row`` holds all searches of the winner's tuner: what one may expect of it, as the winner's own score is the
    luckiest of many.
    """

    group: Group
    searches: tuple[SearchResult, ...]
    search: SearchResult | None
    row: Row | None

    def count(self, status: Status) -> int:
        """Return how many of the searches that could have won ended so."""
        return sum(1 for search in self.searches if search.status is status)


def best(searches: Iterable[SearchResult]) -> SearchResult | None:
    """Return the finished search with the best validation score, the earlier of equals; None where none has a score."""
    found: SearchResult | None = None
    for search in searches:
        if search.status is not Status.OK or search.val_score is None:
            continue
        if is_better(search.val_score, None if found is None else found.val_score):
            found = search
    return found


def winners(results: MatrixResults, *, tuner: str | None = None) -> list[Winner]:
    """Return the winner of each group, in the order of the plan; among one tuner's searches alone, if it is named.

    Of equal searches the earlier in the plan wins, as it does where the best configuration is retrained.
    """
    members: dict[GroupName, list[SearchResult]] = {}
    for search in results.searches:
        if tuner is None or search.planned.tuner == tuner:
            members.setdefault(search.planned.name.group, []).append(search)
    return [_winner(group, tuple(members.get(group.name, ()))) for group in groups(results)]


def _winner(group: Group, searches: tuple[SearchResult, ...]) -> Winner:
    found = best(searches)
    row = None if found is None else next(row for row in group.rows if row.tuner == found.planned.tuner)
    return Winner(group=group, searches=searches, search=found, row=row)
