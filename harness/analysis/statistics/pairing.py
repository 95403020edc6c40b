"""Searches put side by side: a block is one group and seed, in which every tuner had the same images and weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.groups import Group
from harness.analysis.reading import Search, Status

WORST = -math.inf
"""The score of a search that failed or ended without any score: it ranks last, tied with others of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One group and seed: what became of each tuner's search, by the tuner's name; missing ones are not in it."""

    group: Group
    seed: int
    searches: Mapping[str, Search]


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


def score(search: Search) -> float | None:
    """Return the test F1 to rank by: ``WORST`` where the search failed or has no score, None where it is unknown."""
    if search.status is Status.MISSING:
        return None
    if search.status is Status.FAILED or search.incumbent is None:
        return WORST
    return search.test_f1


def every(groups: Sequence[Group]) -> list[Block]:
    """Return a block for each group and planned seed, with the searches that have a record."""
    found: list[Block] = []
    for group in groups:
        by_seed: dict[int, dict[str, Search]] = {}
        for search in group.searches:
            here = by_seed.setdefault(search.planned.seed, {})
            if search.status is not Status.MISSING:
                here[search.planned.tuner] = search
        found += [Block(group=group, seed=seed, searches=searches) for seed, searches in by_seed.items()]
    return found


def blocks(groups: Sequence[Group]) -> Blocks:
    """Return the complete blocks over the tuners that every group has a record of."""
    names = dict.fromkeys(row.tuner for group in groups for row in group.rows)
    present = [{search.planned.tuner for search in group.searches if _recorded(search)} for group in groups]
    tuners = tuple(name for name in names if all(name in here for here in present))
    made = every(groups)
    complete = tuple(block for block in made if tuners and all(name in block.searches for name in tuners))
    return Blocks(
        tuners=tuners,
        complete=complete,
        left_out=len(made) - len(complete),
        left_out_tuners=tuple(name for name in names if name not in tuners),
    )


def _recorded(search: Search) -> bool:
    return search.status is not Status.MISSING
