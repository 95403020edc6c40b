"""Fewer images: drawn by seed, in proportion, before any is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import errors, matrix_schema, seeds
from harness.datasets.apportionment import apportion

Indices = NDArray[np.int64]
Stratum = tuple[int, int]


def sample(
    labels: NDArray[np.int32],
    parts: NDArray[np.int8],
    groups: NDArray[Any] | None = None,
    *,
    classes: Sequence[str],
    dataset: matrix_schema.Dataset,
) -> Indices:
    """Return the sorted indices that ``per_class`` and then ``max_images`` leave.

    Both keep the proportions of the strata (class and part) by largest remainder, with at least one image of each;
    a limit above what there is changes nothing, else it is met exactly. Of a stratum, the images of a smaller draw
    are among those of a larger one. Of ``groups``, the group of each image, as many are drawn from as there can be: a
    first image of each, then a second.

    Raises:
        DatasetError: A limit is less than the number of strata that need an image.
    """
    strata = _strata(labels, parts, dataset.sample_seed, classes)
    if groups is not None:
        strata = {key: members[_in_turn(groups[members])] for key, members in strata.items()}
    if dataset.per_class is not None:
        for label, name in enumerate(classes):
            own = {key: strata[key] for key in strata if key[0] == label}
            strata |= _limited(own, dataset.per_class, f"per_class = {dataset.per_class}: class {name!r}")
    if dataset.max_images is not None:
        strata = _limited(strata, dataset.max_images, f"max_images = {dataset.max_images}: {len(classes)} classes")
    return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *strata.values()]))


def _strata(
    labels: NDArray[np.int32], parts: NDArray[np.int8], seed: int, classes: Sequence[str]
) -> dict[Stratum, Indices]:
    found: dict[Stratum, Indices] = {}
    for label, name in enumerate(classes):
        for part in np.unique(parts):
            members = np.flatnonzero((labels == label) & (parts == part))
            rng = np.random.default_rng(seeds.derive(seed, "sample", name, int(part)))
            if len(members) > 0:
                found[label, int(part)] = rng.permutation(members)
    return found


def _in_turn(groups: NDArray[Any]) -> Indices:
    """Return an order in which each group has one member before any has two; within a group it stays as it is."""
    by_group = np.argsort(groups, kind="stable")
    _, sizes = np.unique(groups, return_counts=True)
    turns = np.empty(len(groups), dtype=np.int64)
    turns[by_group] = np.concatenate([np.arange(size) for size in sizes])
    return np.argsort(turns, kind="stable")


def _limited(strata: dict[Stratum, Indices], limit: int, what: str) -> dict[Stratum, Indices]:
    sizes = [len(members) for members in strata.values()]
    if limit >= sum(sizes):
        return strata
    if limit < len(strata):
        raise errors.DatasetError(f"{what} and their fixed parts need at least {len(strata)} images; raise the limit")
    counts = apportion(limit, sizes)
    return {key: members[:count] for (key, members), count in zip(strata.items(), counts, strict=True)}
