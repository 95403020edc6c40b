"""A cell's folder, held to a size: a search that fills the disk would end every other one with it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

GIB = 2**30
LOOK_S = 2.0
"""Seconds between two looks at a folder, at least."""
# Of a folder with many files a look takes longer, and then comes less often.
_LOOKS_SHARE = 0.01
# What the disk holds is counted in blocks of so many bytes, whatever its own are.
_BLOCK_BYTES = 512


@dataclass(slots=True, kw_only=True)
class FolderLimit:
    """Looks now and then whether the folder at ``path`` holds more than ``limit_gib``."""

    path: Path
    limit_gib: float
    clock: Callable[[], float]
    _next_s: float = -math.inf

    def excess(self) -> str | None:
        """Return in a line that it holds more, and which part the most; None where it doesn't, or it isn't yet time."""
        began = self.clock()
        if math.isinf(self.limit_gib) or began < self._next_s:
            return None
        parts = {entry.name: _bytes(entry) for entry in _entries(self.path)}
        now = self.clock()
        self._next_s = now + max(LOOK_S, (now - began) / _LOOKS_SHARE)
        held_gib = sum(parts.values()) / GIB
        if held_gib <= self.limit_gib:
            return None
        largest = max(parts, key=parts.__getitem__)
        of_it = f"{parts[largest] / GIB:.1f} GiB of it in {largest}"
        return (
            f"its folder holds {held_gib:.1f} GiB ({of_it}) and may hold {self.limit_gib:g}; raise container.folder_gib"
        )


def _bytes(entry: os.DirEntry[str]) -> int:
    """Return what a file, or all in a folder, takes of the disk; what goes meanwhile, or may not be read, is 0."""
    try:
        if entry.is_dir(follow_symlinks=False):
            return sum(map(_bytes, _entries(entry.path)))
        return entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
    except OSError:
        return 0


def _entries(path: str | Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            yield from list(entries)
    except OSError:
        return
