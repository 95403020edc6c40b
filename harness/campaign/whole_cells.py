"""Finished searches whose files were read and found whole, so that a later run looks at their sizes and times alone.

Kept in ``.derived/`` and taken only for files whose size, times and inode are unchanged, and only by the same sources:
without it each finished search is read again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness import environment, files
from harness.campaign.events import State
from harness.cells import Cell
from harness.results_folder import MatrixFolder


@dataclass(slots=True, kw_only=True)
class WholeCells:
    """What is known of finished searches, by their ids: a mark of their files and names, and what became of them."""

    folder: MatrixFolder
    _known: dict[str, tuple[str, State]] = field(default_factory=dict)
    _is_changed: bool = False

    @classmethod
    def of(cls, folder: MatrixFolder) -> WholeCells:
        """Return what earlier runs left; nothing where it can't be read or is of other sources."""
        return cls(folder=folder, _known=_read(folder.derived_whole))

    def state(self, cell: Cell) -> State | None:
        """Return what became of a search; None where it isn't known to be finished and whole."""
        known = self._known.get(cell.id)
        return known[1] if known is not None and known[0] == self._mark(cell) else None

    def add(self, cell: Cell, state: State) -> None:
        """Take note of a search that is finished and whole."""
        self._known[cell.id] = self._mark(cell), state
        self._is_changed = True

    def keep(self) -> None:
        """Leave what is known for later runs."""
        if self._is_changed:
            told = {name: [mark, str(state)] for name, (mark, state) in self._known.items()}
            text = json.dumps({"sources": environment.sources_hash(), "cells": told})
            files.write_atomically(self.folder.derived_whole, text.encode())

    def _mark(self, cell: Cell) -> str:
        # A matrix may call a search otherwise by now, which is then written beside it.
        names = cell.names
        called = f"{names.dataset} {names.backbone} {names.tuner} {names.hyperparameters}"
        return f"{self.folder.cell(cell.id).fingerprint()} {called}"


def _read(path: Path) -> dict[str, tuple[str, State]]:
    try:
        found = json.loads(files.read_plain(path))
        cells: Mapping[str, tuple[str, str]] = found["cells"] if found["sources"] == environment.sources_hash() else {}
        return {name: (mark, State(state)) for name, (mark, state) in cells.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
