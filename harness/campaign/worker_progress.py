"""The epochs of a running cell, as its worker writes them down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The latest epoch of a running cell."""

    trial: int
    epoch: int
    last_epoch: int
    val_score: float
    epochs_done: int
    best_score: float


class ProgressFile:
    """Reads a growing ``progress.log``: a line ``trial epoch last_epoch val_score`` for each epoch."""

    def __init__(self, path: Path) -> None:
        """Begin at the file's start."""
        self._path = path
        self._offset = 0
        self._epochs = 0
        self._best = 0.0

    def latest(self) -> Progress | None:
        """Return the newest whole line, or None where there is no new one."""
        lines = self._new_lines()
        if not lines:
            return None
        self._epochs += len(lines)
        self._best = max(self._best, *(float(line.split()[3]) for line in lines))
        trial, epoch, last_epoch, val_score = lines[-1].split()
        return Progress(
            trial=int(trial),
            epoch=int(epoch),
            last_epoch=int(last_epoch),
            val_score=float(val_score),
            epochs_done=self._epochs,
            best_score=self._best,
        )

    def _new_lines(self) -> list[str]:
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                text = stream.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode().splitlines()
