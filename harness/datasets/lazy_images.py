"""A data set opened: so many pictures, each decoded when asked for."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.datasets import arrays, decoding, image_folders
from harness.datasets.verified_sources import Source, listed

Result = TypeVar("Result")

# Enough to keep every core busy, few enough to hold in memory.
_BATCH = 256
_MOST_THREADS = 8


class Opened(Protocol):
    """The pictures of a data set, in an order that its content alone decides."""

    @property
    def names(self) -> Sequence[str]:
        """What messages and reports call each picture."""
        ...

    @property
    def labels(self) -> NDArray[np.int32]:
        """The class of each picture."""
        ...

    @property
    def parts(self) -> NDArray[np.int8]:
        """The ``Part`` of each picture."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each class."""
        ...

    @property
    def groups(self) -> Sequence[str] | None:
        """The group of each picture, whose pictures stay in one part; None where nothing is grouped."""
        ...

    def picture(self, index: int) -> decoding.Pixels:
        """Return RGB pixels, (height, width, 3); raise ``Unreadable`` for a broken file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Files:
    """Pictures in image files."""

    names: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: NDArray[np.int32]
    parts: NDArray[np.int8]
    classes: tuple[str, ...]
    groups: tuple[str, ...] | None

    def picture(self, index: int) -> decoding.Pixels:
        """Decode one file."""
        return decoding.decode(self.paths[index])


def open_source(source: Source) -> Opened:
    """Open a source's files or arrays.

    Raises:
        DatasetError: The arrays can't be used.
    """
    if source.has_files:
        return _files(listed(source))
    return arrays.read(source)


def each(function: Callable[[int], Result], indices: Sequence[int]) -> Iterator[Result]:
    """Yield ``function`` of each index in order, computed by a few threads, a batch ahead at most."""
    # Threads, not processes: Pillow decodes and resizes outside Python's lock.
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        for start in range(0, len(indices), _BATCH):
            yield from pool.map(function, indices[start : start + _BATCH])


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep Pillow from warning of oddities in files that it reads nevertheless; broken ones are reported by name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        yield


def _files(found: image_folders.Layout) -> Files:
    index_of = {name: index for index, name in enumerate(found.classes)}
    return Files(
        names=tuple(file.name for file in found.files),
        paths=tuple(file.path for file in found.files),
        labels=np.array([index_of[file.label] for file in found.files], dtype=np.int32),
        parts=np.array([file.part for file in found.files], dtype=np.int8),
        classes=found.classes,
        groups=found.groups,
    )
