"""The plan of a campaign: which cells a results folder should hold, so that none goes missing unseen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from harness import file_locks, files, stored_file_validation
from harness.cells import SCHEMA_VERSION
from harness.errors import ResultsError
from harness.matrix_schema import Seed
from harness.record_schema import STRICT
from harness.records import CellFolder

Role = Literal["search", "learning_rate"]

_AGAIN = "move it away and run the matrix again to write it anew"


class GroupName(NamedTuple):
    """What a matrix calls a group: the same images, model and hyperparameter set, within which tuners are compared."""

    dataset: str
    backbone: str
    hyperparameters: str

    def __str__(self) -> str:
        """Return the name as readers see it."""
        return ", ".join(self)


class SearchName(NamedTuple):
    """What a matrix calls a search."""

    dataset: str
    backbone: str
    hyperparameters: str
    tuner: str
    seed: int

    @property
    def group(self) -> GroupName:
        """What the search's tuner is compared within."""
        return GroupName(self.dataset, self.backbone, self.hyperparameters)

    def __str__(self) -> str:
        """Return the name as readers see it."""
        return f"{self.group}, {self.tuner}, seed {self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One cell of the plan.

    ``role`` is ``search``, or ``learning_rate`` for the retraining of the group's best configuration at multiples of
    its learning rate; ``parent_group`` is then the group of searches that it belongs to. ``reason`` says why a cell
    can't be run on this machine, where it can't.
    """

    __pydantic_config__ = STRICT

    # It is the name of a folder: nothing must lead out of the one for cells.
    id: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]
    group: str
    dataset: str
    backbone: str
    hyperparameters: str
    tuner: str
    seed: Seed
    role: Role = "search"
    parent_group: str | None = None
    reason: str | None = None

    @property
    def name(self) -> SearchName:
        """What the matrix calls the search, or that which is retrained."""
        return SearchName(self.dataset, self.backbone, self.hyperparameters, self.tuner, self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    __pydantic_config__ = STRICT

    schema_version: Literal[1, 2, 3]
    cells: list[Planned]
    matrix: str | None = None


@dataclass(frozen=True, slots=True)
class MatrixFolder:
    """``results/<matrix>/``: the plan, a folder for each cell, and the tables made from them."""

    path: Path

    @property
    def tables(self) -> Path:
        """Where the tables go."""
        return self.path / "tables"

    @property
    def plots(self) -> Path:
        """Where the pictures go."""
        return self.path / "plots"

    @property
    def derived(self) -> Path:
        """What analysis found in the records, kept for the next time; may be deleted at any time."""
        return self.path / ".derived" / "findings"

    @property
    def derived_tables(self) -> Path:
        """The tables as they were last made, kept for the next time; may be deleted at any time."""
        return self.path / ".derived" / "tables"

    @property
    def derived_whole(self) -> Path:
        """Which finished searches were found whole, kept for the next run; may be deleted at any time."""
        return self.path / ".derived" / "whole.json"

    @property
    def lock(self) -> Path:
        """Held by the one campaign that may run here."""
        return self.path / "lock"

    @property
    def is_abandoned(self) -> bool:
        """Whether a campaign was begun here and none is at it now, as far as this machine can tell."""
        try:
            with self.lock.open("rb") as lock:
                file_locks.flock(lock, file_locks.LOCK_SH | file_locks.LOCK_NB)
        except OSError:
            # Held, or not there, or not ours to look at.
            return False
        return True

    @property
    def calibration(self) -> MatrixFolder:
        """The folder of the short trainings that tell how long an epoch takes."""
        return MatrixFolder(self.path / "calibration")

    def preparation(self, key: str) -> CellFolder:
        """Return the folder of one shared preparation."""
        return CellFolder(self.path / "preparations" / key)

    def saving(self, cell_id: str) -> CellFolder:
        """Return the folder in which a cell's best model is trained again to be saved; gone once it is."""
        return CellFolder(self.path / "saving" / cell_id)

    def cell(self, cell_id: str) -> CellFolder:
        """Return the folder of one cell."""
        return CellFolder(self.path / "cells" / cell_id)

    def cell_ids(self) -> list[str]:
        """Return the ids of every cell that has a folder, planned or not."""
        try:
            with os.scandir(self.path / "cells") as entries:
                return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def fingerprint(self) -> str:
        """Return what changes whenever the plan, the set of cells, or a cell's record, trials or attempts do."""
        plan = hashlib.sha256(stored_file_validation.read(self.path / "plan.json", way_out=_AGAIN) or b"").hexdigest()
        cells = (f"{cell_id} {self.cell(cell_id).fingerprint()}" for cell_id in self.cell_ids())
        return files.digest([plan, *cells])

    def write_plan(self, planned: Sequence[Planned], *, matrix: Path | None = None) -> None:
        """Say which cells belong here, and which file asks for them, under a checksum."""
        asked_by = {} if matrix is None else {"matrix": self._place_of(matrix)}
        plan = {"schema_version": SCHEMA_VERSION, **asked_by, "cells": [asdict(cell) for cell in planned]}
        text = stored_file_validation.sealed_text(files.without_home(plan))
        files.write_atomically(self.path / "plan.json", text)

    def is_of_another(self, matrix: Path) -> bool:
        """Whether the plan was written for a file that stands elsewhere; false where there is none, or it doesn't tell.

        Raises:
            ResultsError: The plan isn't as it was written.
        """
        asked_by = self._read().matrix if self.has_plan else None
        return asked_by is not None and asked_by != self._place_of(matrix)

    def _place_of(self, matrix: Path) -> str:
        """Return where a file stands as seen from here; hashed, as results name no folder of a machine."""
        return files.digest(os.path.relpath(matrix.resolve(), self.path.resolve()))

    @property
    def has_plan(self) -> bool:
        """Whether anything was ever run into this folder."""
        return (self.path / "plan.json").exists()

    @property
    def has_records(self) -> bool:
        """Whether any planned cell has a sealed record."""
        return any(self.cell(cell.id).is_sealed for cell in self.plan())

    def plan(self) -> list[Planned]:
        """Return which cells belong here.

        Raises:
            ResultsError: Nothing was ever run into this folder, or the plan isn't as it was written.
        """
        return self._read().cells

    def _read(self) -> _Plan:
        path = self.path / "plan.json"
        text = stored_file_validation.read(path, way_out=_AGAIN)
        if text is None:
            raise ResultsError(f"{path}: no such file; run the matrix first: harness run MATRIX")
        plan = stored_file_validation.unsealed(text, where=path, way_out=_AGAIN)
        return stored_file_validation.checked(files.readable_json(plan), _Plan, where=path, way_out=_AGAIN)
