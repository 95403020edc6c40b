"""Weights on the disk that later trials may continue from."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness import files


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """A folder with the best weights of each finished trial."""

    folder: Path

    def save(self, number: int, weights: list[npt.NDArray[Any]]) -> None:
        """Store a trial's weights, whole or not at all."""
        buffer = io.BytesIO()
        np.savez(buffer, *weights)
        files.write_atomically(self._path(number), buffer.getvalue())

    def load(self, number: int) -> list[npt.NDArray[Any]]:
        """Return a trial's weights, in the order in which they were given."""
        with np.load(self._path(number), allow_pickle=False) as stored:
            return [stored[f"arr_{position}"] for position in range(len(stored.files))]

    def _path(self, number: int) -> Path:
        return self.folder / f"trial-{number:05d}.npz"
