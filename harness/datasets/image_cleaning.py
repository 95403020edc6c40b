"""What can't be used is found before anything is drawn or split: broken files and duplicates.

Duplicates are pictures whose decoded pixels, at their own size, are equal. Of those with one label a single one is
kept: one of the test part before one of validation, before one of train; the first by name among equals, so that
published test sets stay whole and no picture stands on both sides of a split. Where equal pictures have different
labels nobody can say which is right, and all of them are removed.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from harness import errors, files
from harness.datasets import verified_sources
from harness.datasets.decoding import DECODERS, Unreadable
from harness.datasets.lazy_images import Opened, each, without_warnings
from harness.datasets.verified_sources import Source

# 2: TIFF, 16-bit transparency, PNGs with wrong checksums. 3: reasons that never name a folder.
# 4: values beyond 16 bits. 5: values of 16 bits that come out black.
_FORMAT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """For every picture: the SHA-256 of its pixels, or None and the reason why it can't be read."""

    digests: tuple[str | None, ...]
    reasons: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Which pictures are of use, and what became of the others.

    ``duplicates`` are pairs of a removed picture and the one kept in its place. ``contradictions`` are groups of equal
    pictures with different labels, all removed.
    """

    kept: tuple[int, ...]
    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    contradictions: tuple[tuple[str, ...], ...]


def survey(source: Source, opened: Opened, *, cache: Path) -> Survey:
    """Decode every picture once; the answer is kept in ``cache`` for other limits and image sizes.

    Raises:
        MachineError: The source changed since it was resolved; nothing is kept.
    """
    key = files.digest([_FORMAT, DECODERS, *source.key])
    path = cache / "surveys" / f"{key}.json"
    if not path.is_file():
        with without_warnings():
            found = list(each(partial(_look, opened), range(len(opened.names))))
        verified_sources.verify(source)
        digests, reasons = zip(*found, strict=True)
        files.write_atomically(path, files.canonical_json({"digests": digests, "reasons": reasons}))
    stored = json.loads(path.read_bytes())
    return Survey(digests=tuple(stored["digests"]), reasons=tuple(stored["reasons"]))


def clean(opened: Opened, found: Survey, *, origin: str) -> Cleaned:
    """Drop unreadable pictures and duplicates.

    Raises:
        DatasetError: A class is left without a picture.
    """
    unreadable = tuple((opened.names[index], why) for index, why in enumerate(found.reasons) if why is not None)
    kept: list[int] = []
    duplicates: list[tuple[str, str]] = []
    contradictions: list[tuple[str, ...]] = []
    for group in _equal(found).values():
        names = tuple(opened.names[index] for index in group)
        if len({int(opened.labels[index]) for index in group}) > 1:
            contradictions.append(names)
            continue
        chosen = max(group, key=lambda index: (opened.parts[index], -index))
        kept.append(chosen)
        duplicates += [(opened.names[index], opened.names[chosen]) for index in group if index != chosen]
    _check_classes(opened, found, kept, origin)
    return Cleaned(
        kept=tuple(sorted(kept)),
        unreadable=unreadable,
        duplicates=tuple(duplicates),
        contradictions=tuple(contradictions),
    )


def _look(opened: Opened, index: int) -> tuple[str | None, str | None]:
    try:
        pixels = opened.picture(index)
    except Unreadable as error:
        return None, str(error)
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)  # no copy: a large picture takes 256 MiB
    return digest.hexdigest(), None


def _equal(found: Survey) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, digest in enumerate(found.digests):
        if digest is not None:
            groups[digest].append(index)
    return groups


def _check_classes(opened: Opened, found: Survey, kept: list[int], origin: str) -> None:
    left = {int(opened.labels[index]) for index in kept}
    for label, name in enumerate(opened.classes):
        if label not in left:
            raise errors.DatasetError(
                f"{origin}: class {name!r} has no usable image: {_why_none(opened, found, label)}; add images or "
                f"remove the class"
            )


def _why_none(opened: Opened, found: Survey, label: int) -> str:
    own = [place for place, each in enumerate(opened.labels) if each == label]
    broken = [place for place in own if found.reasons[place] is not None]
    if not broken:
        return "equal images of other classes contradict its own"
    first = f"{len(broken):,} can't be read, as {opened.names[broken[0]]} ({found.reasons[broken[0]]})"
    return first if len(broken) == len(own) else f"{first}, and equal images of other classes contradict the others"
