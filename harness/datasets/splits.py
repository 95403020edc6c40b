"""Training, validation and test images: stratified, seeded, disjoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness import errors, spec
from harness.datasets.apportion import apportion
from harness.datasets.parts import Part

Indices = NDArray[np.int64]

_PARTS = (Part.TRAIN, Part.VALIDATION, Part.TEST)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Indices into the images, each part sorted; every image stands in exactly one part."""

    train: Indices
    validation: Indices
    test: Indices


def split(
    labels: NDArray[np.int32],
    fixed: NDArray[np.int8],
    *,
    classes: Sequence[str],
    shares: spec.Split,
    seed: int,
) -> Split:
    """Share the images out among the parts, class by class.

    Images with a fixed part stay in it. The free images of each class are shuffled by ``default_rng(seed)``, one class
    after the other, and shared out among the parts that the data set does not fix, in proportion to ``shares``: by
    largest remainder, ties to the earlier of train, validation, test, and at least one image to every part.

    Args:
        labels: The class of each image, (N,).
        fixed: The ``Part`` of each image, (N,).
        classes: The name of each class, for messages.
        shares: Shares of the parts; those of parts that the data set fixes are not used.
        seed: Same seed, same split.

    Raises:
        DatasetError: A class has too few images for every part to have one.
    """
    rng = np.random.default_rng(seed)
    open_parts = [part for part in _PARTS if not (fixed == part).any()]
    chosen: dict[Part, list[Indices]] = {part: [np.flatnonzero(fixed == part)] for part in _PARTS}
    for label, name in enumerate(classes):
        _check_fixed(name, fixed[labels == label], open_parts)
        free = rng.permutation(np.flatnonzero((labels == label) & (fixed == Part.FREE)))
        for part, indices in _shared_out(name, free, open_parts, shares).items():
            chosen[part].append(indices)
    train, validation, test = (np.sort(np.concatenate(chosen[part])).astype(np.int64) for part in _PARTS)
    return Split(train=train, validation=validation, test=test)


def _check_fixed(name: str, parts: NDArray[np.int8], open_parts: Sequence[Part]) -> None:
    for part in _PARTS:
        if part not in open_parts and part not in parts:
            raise errors.DatasetError(
                f"class {name!r} has no image in the data set's own {part.name.lower()} part; it needs one, "
                f"or the class has to go"
            )


def _shared_out(name: str, free: Indices, open_parts: Sequence[Part], shares: spec.Split) -> Mapping[Part, Indices]:
    if not open_parts:
        return {}
    if len(free) < len(open_parts):
        wanted = ", ".join(part.name.lower() for part in open_parts)
        raise errors.DatasetError(
            f"class {name!r} has {len(free)} images to share out; it needs at least {len(open_parts)}, "
            f"one for each of {wanted}"
        )
    weights = [getattr(shares, part.name.lower()) for part in open_parts]
    ends = np.cumsum(apportion(len(free), weights))
    return dict(zip(open_parts, np.split(free, ends[:-1]), strict=True))
