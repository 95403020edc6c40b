"""Searches put side by side: by group and seed, and by seed alone, since only seeds are independent of each other."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group

NO_MODEL = 0.0
"""The score of a search that failed or ended without any score: it leaves no model that anybody could use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One group and seed: what became of each tuner's search, by the tuner's name; missing ones are not in it."""

    group: Group
    seed: int
    searches: Mapping[str, SearchResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """What tuners are compared over.

    ``tuners`` are those with a record in every group, in the order of the matrix; ``left_out_tuners`` the others.
    ``complete`` holds the blocks in which each of ``tuners`` has a record, ``left_out`` counts the others.
    """

    tuners: tuple[str, ...]
    complete: tuple[Block, ...]
    left_out: int
    left_out_tuners: tuple[str, ...]

    @property
    def groups(self) -> int:
        """How many groups the complete blocks come from."""
        return len({id(block.group) for block in self.complete})

    @property
    def remarks(self) -> list[str]:
        """What was left out, in words."""
        found = []
        if self.left_out_tuners:
            found.append(f"Left out, as some group has no search of theirs: {', '.join(self.left_out_tuners)}.")
        if self.left_out:
            found.append(f"Left out, as a search is missing: {self.left_out} of {self.left_out + len(self.complete)}.")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """One value for each seed and tuner: the mean over the groups, of which there are ``groups``.

    ``values`` has a row for each of ``seeds`` and a column for each of ``tuners``. ``remarks`` say what was left out.
    """

    tuners: tuple[str, ...]
    seeds: tuple[int, ...]
    groups: int
    values: tuple[tuple[float, ...], ...]
    remarks: tuple[str, ...]


def score(search: SearchResult) -> float | None:
    """Return the test score to compare by: ``NO_MODEL`` where the search failed or has no score, None where unknown."""
    if search.status is Status.MISSING:
        return None
    if search.status is Status.FAILED or search.incumbent is None:
        return NO_MODEL
    return search.test_score


def every(groups: Sequence[Group]) -> list[Block]:
    """Return a block for each group and planned seed, with the searches that have a record."""
    found: list[Block] = []
    for group in groups:
        by_seed: dict[int, dict[str, SearchResult]] = {}
        for search in group.searches:
            here = by_seed.setdefault(search.planned.seed, {})
            if search.status is not Status.MISSING:
                here[search.planned.tuner] = search
        found += [Block(group=group, seed=seed, searches=searches) for seed, searches in by_seed.items()]
    return found


def blocks(groups: Sequence[Group]) -> Blocks:
    """Return the complete blocks over the tuners that every group has a record of."""
    tuners, others = _shared(groups)
    made = every(groups)
    complete = tuple(block for block in made if tuners and all(name in block.searches for name in tuners))
    return Blocks(tuners=tuners, complete=complete, left_out=len(made) - len(complete), left_out_tuners=tuple(others))


def over_seeds(groups: Sequence[Group], value: Callable[[Group, SearchResult], float | None]) -> Seeds:
    """Return ``value`` of each seed and tuner, averaged over the groups.

    Only seeds are independent: searches of one seed share their split, weights and batches, in every group of a data
    set. A seed counts where each tuner that all groups share has a known value in each of them.
    """
    tuners, others = _shared(groups)
    found: dict[int, dict[str, list[float]]] = {}
    for block in every(groups):
        here = found.setdefault(block.seed, {name: [] for name in tuners})
        for name in tuners:
            known = value(block.group, block.searches[name]) if name in block.searches else None
            if known is not None and math.isfinite(known):
                here[name].append(known)
    complete = {
        seed: tuple(statistics.fmean(values) for values in by_tuner.values())
        for seed, by_tuner in found.items()
        if tuners and all(len(values) == len(groups) for values in by_tuner.values())
    }
    remarks = []
    if others:
        remarks.append(f"Left out, as some group has no search of theirs: {', '.join(others)}.")
    if len(complete) < len(found):
        missing = len(found) - len(complete)
        remarks.append(f"Left out, as a search is missing or a value unknown: {missing} of {len(found)} seeds.")
    return Seeds(
        tuners=tuners,
        seeds=tuple(complete),
        groups=len(groups),
        values=tuple(complete.values()),
        remarks=tuple(remarks),
    )


def column(values: Seeds, tuner: str) -> list[float]:
    """Return a tuner's values, one for each seed; empty where it has none."""
    if tuner not in values.tuners:
        return []
    place = values.tuners.index(tuner)
    return [row[place] for row in values.values]


def _shared(groups: Sequence[Group]) -> tuple[tuple[str, ...], list[str]]:
    """Return the tuners with a record in every group, in the order of the matrix, and the others."""
    names = dict.fromkeys(row.tuner for group in groups for row in group.rows)
    present = [{search.planned.tuner for search in group.searches if _recorded(search)} for group in groups]
    tuners = tuple(name for name in names if all(name in here for here in present))
    return tuners, [name for name in names if name not in tuners]


def _recorded(search: SearchResult) -> bool:
    return search.status is not Status.MISSING
