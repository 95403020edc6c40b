"""Searches put side by side: by group and seed, and by training seed, as only these are independent of each other."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import TypeVar

from harness.analysis.results_reading import SearchResult, Status
from harness.analysis.search_groups import Group
from harness.results_folder import GroupName

NO_MODEL = 0.0
"""The score of a search that failed or ended without any score: it leaves no model that anybody could use."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One group and seed: what became of each tuner's search, by the tuner's name; missing ones are not in it."""

    group: Group
    seed: int
    searches: Mapping[str, SearchResult]

    @property
    def training_seed(self) -> int | None:
        """The seed of the searches' trainings; None where nothing tells it."""
        return self.group.training_seeds.get(self.seed)


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
        found = _others(self.left_out_tuners)
        if self.left_out:
            found.append(f"Left out, as a search is missing: {self.left_out} of {self.left_out + len(self.complete)}.")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """One value for each training seed and tuner: the mean over the groups, of which there are ``groups``.

    ``values`` has a row for each of ``seeds`` and a column for each of ``tuners``, and so has ``searches``: the values
    of single searches that these are means of. ``remarks`` say what was left out.
    """

    tuners: tuple[str, ...]
    seeds: tuple[int, ...]
    groups: int
    values: tuple[tuple[float, ...], ...]
    searches: tuple[tuple[tuple[float, ...], ...], ...]
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
    """Return ``value`` of each training seed and tuner, averaged over its searches and then over the groups.

    Only training seeds are independent: searches of one share their split, weights and batches, in every group of a
    data set. A seed counts where each tuner that all groups share has a known value in each of them. Where recorded
    seeds are used again, the values are what the analysis of variance of tuners (fixed) crossed with recorded seeds
    (random) rests on: with as many searches in each cell its tests of tuners are those of the cells' means.
    """
    tuners, others = _shared(groups)
    found = _cells(groups, tuners, value)
    complete = {
        seed: cells for seed, cells in found.items() if tuners and all(len(each) == len(groups) for each in cells)
    }
    return Seeds(
        tuners=tuners,
        seeds=tuple(complete),
        groups=len(groups),
        values=tuple(tuple(map(_mean, cells)) for cells in complete.values()),
        searches=tuple(tuple(map(_joined, cells)) for cells in complete.values()),
        remarks=(*_others(others), *_incomplete(found, complete), *_absent(groups, complete, tuners)),
    )


_Cell = dict[GroupName, list[float]]
"""A tuner's values on one training seed, by group."""


def _cells(
    groups: Sequence[Group], tuners: Sequence[str], value: Callable[[Group, SearchResult], float | None]
) -> dict[int, list[_Cell]]:
    """Return the known values by training seed and, in the order of ``tuners``, by tuner."""
    found: dict[int, list[_Cell]] = {}
    for block in every(groups):
        seed = block.training_seed
        if seed is None:
            continue
        cells = found.setdefault(seed, [{} for _ in tuners])
        for cell, name in zip(cells, tuners, strict=True):
            known = value(block.group, block.searches[name]) if name in block.searches else None
            if known is not None and math.isfinite(known):
                cell.setdefault(block.group.name, []).append(known)
    return found


def _mean(cell: _Cell) -> float:
    return statistics.fmean(statistics.fmean(values) for values in cell.values())


def _joined(cell: _Cell) -> tuple[float, ...]:
    return tuple(itertools.chain(*cell.values()))


def _others(names: Sequence[str]) -> list[str]:
    return [f"Left out, as some group has no search of theirs: {', '.join(names)}."] if names else []


def _incomplete(found: Sized, complete: Sized) -> list[str]:
    missing = len(found) - len(complete)
    why = "Left out, as a search is missing or a value unknown"
    return [f"{why}: {missing} of {len(found)} seeds."] if missing else []


def _absent(groups: Sequence[Group], complete: Mapping[int, Sequence[_Cell]], tuners: Sequence[str]) -> list[str]:
    """Return how many values the means of complete seeds lack; nothing where each is one search's own."""
    seeds = [block.training_seed for block in every(groups)]
    planned = len(tuners) * sum(seed is None or seed in complete for seed in seeds)
    known = sum(len(values) for cells in complete.values() for cell in cells for values in cell.values())
    why = "Averaged without searches that are missing or of unknown value"
    return [f"{why}: {planned - known} of {planned}."] if complete and known < planned else []


def column(values: Seeds, tuner: str) -> list[float]:
    """Return a tuner's values, one for each training seed; empty where it has none."""
    return _column(values, tuner, values.values)


def searches(values: Seeds, tuner: str) -> list[tuple[float, ...]]:
    """Return the values of a tuner's single searches, by training seed; empty where it has none."""
    return _column(values, tuner, values.searches)


def _column(values: Seeds, tuner: str, rows: Sequence[Sequence[_Value]]) -> list[_Value]:
    if tuner not in values.tuners:
        return []
    place = values.tuners.index(tuner)
    return [row[place] for row in rows]


def _shared(groups: Sequence[Group]) -> tuple[tuple[str, ...], list[str]]:
    """Return the tuners with a record in every group, in the order of the matrix, and the others."""
    names = dict.fromkeys(row.tuner for group in groups for row in group.rows)
    present = [{search.planned.tuner for search in group.searches if _recorded(search)} for group in groups]
    tuners = tuple(name for name in names if all(name in here for here in present))
    return tuners, [name for name in names if name not in tuners]


def _recorded(search: SearchResult) -> bool:
    return search.status is not Status.MISSING
