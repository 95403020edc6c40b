"""Training, validation and test images: stratified, seeded, disjoint, with no group on two sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from harness import errors, matrix_schema
from harness.datasets.apportionment import apportion
from harness.datasets.group_splits import share_out
from harness.datasets.part_aliases import Part

Indices = NDArray[np.int64]
Labels = NDArray[np.int32]

_PARTS = (Part.TRAIN, Part.VALIDATION, Part.TEST)
# As many names as a line bears.
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SplitImages:
    """Indices into the images, each part sorted; every image stands in exactly one part."""

    train: Indices
    validation: Indices
    test: Indices


def split(
    labels: Labels,
    fixed: NDArray[np.int8],
    *,
    classes: Sequence[str],
    shares: matrix_schema.Split,
    seed: int,
    groups: Sequence[str] | None = None,
) -> SplitImages:
    """Share the images out among the parts, class by class.

    Images with a fixed part stay in it. The free images of each class are shuffled by ``default_rng(seed)``, one class
    after the other, and shared out among the parts that the data set does not fix, in proportion to ``shares``: by
    largest remainder, ties to the earlier of train, validation, test, and at least one image to every part.
    Where there are groups, whole groups are shared out instead, as ``group_splits.share_out`` says.

    Args:
        labels: The class of each image, (N,).
        fixed: The ``Part`` of each image, (N,).
        classes: The name of each class, for messages.
        shares: Shares of the parts; those of parts that the data set fixes are not used.
        seed: Same seed, same split.
        groups: The group of each image, (N,), whose images stay together; None: each image is for itself.

    Raises:
        DatasetError: A class has too few images, or groups, for every part to have one.
    """
    rng = np.random.default_rng(seed)
    open_parts = [part for part in _PARTS if not (fixed == part).any()]
    chosen: dict[Part, list[Indices]] = {part: [np.flatnonzero(fixed == part)] for part in _PARTS}
    for label, name in enumerate(classes):
        _check_fixed(name, fixed[labels == label], open_parts)
    free = np.flatnonzero(fixed == Part.FREE)
    if open_parts:
        deal = _by_class if groups is None else partial(_by_group, groups=np.array(groups)[free])
        weights = [getattr(shares, part.name.lower()) for part in open_parts]
        for part, indices in deal(labels[free], classes, open_parts, weights, rng):
            chosen[part].append(free[indices])
    train, validation, test = (np.sort(np.concatenate(chosen[part])).astype(np.int64) for part in _PARTS)
    return SplitImages(train=train, validation=validation, test=test)


def _check_fixed(name: str, parts: NDArray[np.int8], open_parts: Sequence[Part]) -> None:
    for part in _PARTS:
        if part not in open_parts and part not in parts:
            raise errors.DatasetError(
                f"class {name!r} has no image in the data set's own {part.name.lower()} part; it needs one, "
                f"or the class has to go"
            )


def _by_class(
    labels: Labels, classes: Sequence[str], parts: Sequence[Part], weights: Sequence[float], rng: Generator
) -> Iterator[tuple[Part, Indices]]:
    for label, name in enumerate(classes):
        own = rng.permutation(np.flatnonzero(labels == label))
        images = "1 image" if len(own) == 1 else f"{len(own)} images"
        _check_enough(f"class {name!r} has {images}", len(own), parts)
        ends = np.cumsum(apportion(len(own), weights))
        yield from zip(parts, np.split(own, ends[:-1]), strict=True)


def _by_group(
    labels: Labels,
    classes: Sequence[str],
    parts: Sequence[Part],
    weights: Sequence[float],
    rng: Generator,
    *,
    groups: NDArray[np.str_],
) -> Iterator[tuple[Part, Indices]]:
    names, group_of = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), len(classes)), dtype=np.int64)
    np.add.at(counts, (group_of, labels), 1)
    for name, own in zip(classes, counts.T, strict=True):
        having = names[own > 0]
        noun = "group" if len(having) == 1 else "groups"
        what = f"class {name!r} has images of {len(having)} {noun}{_listed(having.tolist())}"
        _check_enough(what, len(having), parts)
    found = share_out(counts, weights, rng)
    for place, part in enumerate(parts):
        _check_whole(part, found.held[place], classes)
        yield part, np.flatnonzero(found.places[group_of] == place)


def _check_enough(what: str, count: int, parts: Sequence[Part]) -> None:
    if count < len(parts):
        wanted = ", ".join(part.name.lower() for part in parts)
        needs = f"it needs at least {len(parts)}, one for each of {wanted}; add some, or leave the class out"
        raise errors.DatasetError(f"{what} to share out; {needs}")


def _check_whole(part: Part, held: NDArray[np.int64], classes: Sequence[str]) -> None:
    if not held.all():
        name = classes[int(np.flatnonzero(held == 0)[0])]
        raise errors.DatasetError(
            f"groups can't be shared out so that every part has every class: {part.name.lower()} would have no "
            f"{name!r}; give smaller groups, or more images of it in groups of their own"
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_MOST_NAMED]))
    return f" ({shown}{', …' if len(names) > _MOST_NAMED else ''})" if names else ""
