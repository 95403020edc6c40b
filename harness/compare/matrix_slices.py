"""Parts of a matrix that a change is looked for in: all of it, each tuner, each group, each tuner in each group."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from harness.results_folder import SearchName


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The searches of one level's part, as ``tuner`` ``optuna-tpe`` over all groups; by ``label`` in tables."""

    level: str
    label: str
    members: frozenset[int]


_LEVELS: Mapping[str, Callable[[SearchName], tuple[Hashable, ...]]] = {
    "all": lambda _name: (),
    "tuner": lambda name: (name.tuner,),
    "group": lambda name: name.group,
    "row": lambda name: (*name.group, name.tuner),
}


def slices(names: Sequence[SearchName]) -> list[Slice]:
    """Return every part of these searches, the wide ones first; one that holds what a wider one holds is left out."""
    found: dict[frozenset[int], Slice] = {}
    for level, key in _LEVELS.items():
        parts: dict[tuple[Hashable, ...], list[int]] = {}
        for index, name in enumerate(names):
            parts.setdefault(key(name), []).append(index)
        for part, indices in parts.items():
            members = frozenset(indices)
            label = ", ".join(map(str, part)) or "all searches"
            found.setdefault(members, Slice(level=level, label=label, members=members))
    return list(found.values())


def by_seed(changes: Mapping[int, float], seeds: Sequence[int], part: Slice) -> dict[int, float]:
    """Return the mean change over the part's searches of each training seed.

    Both ``changes`` and ``seeds`` are by the searches' indices. Seeds, not searches, are what the test counts: the
    searches of one seed share their images and stand near to each other in time.
    """
    found: dict[int, list[float]] = {}
    for index in part.members:
        if index in changes:
            found.setdefault(seeds[index], []).append(changes[index])
    return {seed: math.fsum(found[seed]) / len(found[seed]) for seed in sorted(found)}
