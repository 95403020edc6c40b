"""Pictures that look alike without being equal: bursts of one camera, resized and recompressed copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.datasets.decoding import Pixels

Indices = NDArray[np.int64]

MOST_BITS = 4
"""In how many of their 64 bits the fingerprints of pictures that look alike differ at most."""

# Of 256 shades: pictures of one shade have the same hash, whatever was before the camera.
_LEAST_CONTRAST = 8
# Where two fingerprints differ in so many bits at most, one of so many bands and one more is the same.
_BANDS = tuple(np.array_split(np.arange(64, dtype=np.uint64), MOST_BITS + 1))


def fingerprint(pixels: Pixels) -> int | None:
    """Return 64 bits that change little when a picture is resized or compressed; None for one of a single shade.

    They say which of the 64 lowest frequencies of a small grey copy are above their median (Krawetz 2011, "Looks like
    it", https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html).
    """
    grey = Image.fromarray(np.ascontiguousarray(pixels)).convert("L")
    if np.ptp(np.asarray(grey)) < _LEAST_CONTRAST:
        return None
    return int.from_bytes(np.packbits(imagehash.phash(grey).hash).tobytes())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likeness:
    """Which of N pictures look alike.

    Attributes:
        kinds: The number of each picture's fingerprint, (N,); -1 where it has none.
        near: Pairs of fingerprints that differ in ``MOST_BITS`` at most, (pairs, 2).
    """

    kinds: Indices
    near: Indices

    def divided(self, parts: NDArray[np.integer]) -> Indices:
        """Return the pictures that look like one of another part; ``parts`` are the parts 0 to 7 of each, (N,)."""
        known = np.flatnonzero(self.kinds >= 0)
        kinds, own = self.kinds[known], np.left_shift(1, parts[known]).astype(np.uint8)
        held = np.zeros(int(self.kinds.max(initial=-1)) + 1, dtype=np.uint8)
        np.bitwise_or.at(held, kinds, own)
        met = held.copy()
        for one, other in (self.near.T, self.near.T[::-1]):
            np.bitwise_or.at(met, one, held[other])
        found: Indices = known[(met[kinds] & ~own) > 0]
        return found

    def like(self, picture: int) -> Indices:
        """Return the other pictures that look like one."""
        kind = self.kinds[picture]
        near = [kind, *self.near[self.near[:, 0] == kind, 1], *self.near[self.near[:, 1] == kind, 0]]
        found = np.flatnonzero(np.isin(self.kinds, near) & (self.kinds >= 0))
        others: Indices = found[found != picture]
        return others


def of(fingerprints: Sequence[int | None]) -> Likeness:
    """Return which pictures have fingerprints that differ in ``MOST_BITS`` at most."""
    known = np.array([place for place, value in enumerate(fingerprints) if value is not None], dtype=np.int64)
    values = np.array([value for value in fingerprints if value is not None], dtype=np.uint64)
    distinct, kinds = np.unique(values, return_inverse=True)
    of_all = np.full(len(fingerprints), -1, dtype=np.int64)
    of_all[known] = kinds
    pairs = [_near(distinct, band) for band in _BANDS]
    return Likeness(kinds=of_all, near=np.unique(np.concatenate(pairs), axis=0))


def _near(values: NDArray[np.uint64], band: NDArray[np.uint64]) -> Indices:
    """Return the pairs, the lesser index first, that are near each other and equal in one band of their bits.

    Values that are equal there stand side by side once they are sorted by it: each is compared with the next, then the
    one after that, for as long as any has one so far off (Norouzi, Punjani and Fleet 2012, multi-index hashing).
    """
    keys = (values >> band[0]) & np.uint64((1 << len(band)) - 1)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    found = [np.empty((0, 2), dtype=np.int64)]
    here, step = np.arange(len(keys)), 1
    while len(here := here[here + step < len(keys)]) and len(here := here[keys[here + step] == keys[here]]):
        pairs = np.stack([order[here], order[here + step]], axis=1)
        differing = np.bitwise_count(values[pairs[:, 0]] ^ values[pairs[:, 1]])
        found.append(np.sort(pairs[differing <= MOST_BITS], axis=1))
        step += 1
    return np.concatenate(found)
