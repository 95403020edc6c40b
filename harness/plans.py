"""The plan of a campaign: which cells a results folder should hold, so that none goes missing unseen."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness import files
from harness.cells import SCHEMA_VERSION
from harness.errors import ResultsError
from harness.records import CellFolder

_ID = re.compile(r"[\w-]{1,64}")


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

    id: str
    group: str
    dataset: str
    backbone: str
    hyperparameters: str
    tuner: str
    seed: int
    role: str = "search"
    parent_group: str | None = None
    reason: str | None = None

    @property
    def name(self) -> SearchName:
        """What the matrix calls the search, or that which is retrained."""
        return SearchName(self.dataset, self.backbone, self.hyperparameters, self.tuner, self.seed)


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
    def lock(self) -> Path:
        """Held by the one campaign that may run here."""
        return self.path / "lock"

    def preparation(self, key: str) -> CellFolder:
        """Return the folder of one shared preparation."""
        return CellFolder(self.path / "preparations" / key)

    def cell(self, cell_id: str) -> CellFolder:
        """Return the folder of one cell."""
        return CellFolder(self.path / "cells" / cell_id)

    def cell_ids(self) -> list[str]:
        """Return the ids of every cell that has a folder, planned or not."""
        try:
            with os.scandir(self.path / "cells") as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []

    def fingerprint(self) -> str:
        """Return what changes whenever the plan, the set of cells, or a cell's record, trials or attempts do."""
        path = self.path / "plan.json"
        plan = files.sha256_of(path) if path.is_file() else "none"
        cells = (f"{cell_id} {self.cell(cell_id).fingerprint()}" for cell_id in self.cell_ids())
        return files.digest([plan, *cells])

    def write_plan(self, planned: Sequence[Planned]) -> None:
        """Say which cells belong here."""
        plan = {"schema_version": SCHEMA_VERSION, "cells": [asdict(cell) for cell in planned]}
        files.write_json(self.path / "plan.json", plan)

    @property
    def has_plan(self) -> bool:
        """Whether anything was ever run into this folder."""
        return (self.path / "plan.json").exists()

    def plan(self) -> list[Planned]:
        """Return which cells belong here.

        Raises:
            ResultsError: Nothing was ever run into this folder, or the plan isn't as it was written.
        """
        path = self.path / "plan.json"
        try:
            plan = json.loads(files.read_plain(path))
        except FileNotFoundError as error:
            raise ResultsError(f"{path}: no such file; run the matrix first: harness run MATRIX") from error
        except OSError as error:
            raise ResultsError(f"{path}: can't be read ({error.strerror}); make it readable") from error
        except (ValueError, RecursionError) as error:
            raise ResultsError(f"{path}: not JSON ({error}); run the matrix again to write it anew") from error
        try:
            return [_planned(cell) for cell in plan["cells"]]
        except (TypeError, KeyError, ValueError) as error:
            raise ResultsError(f"{path}: no plan ({error}); run the matrix again to write it anew") from error


def _planned(fields: Any) -> Planned:
    """Return a line of the plan; raise TypeError or ValueError where it is none."""
    if not isinstance(fields, dict):
        raise TypeError(f"a cell of type {type(fields).__name__}")
    found = Planned(**fields)
    names = (found.id, found.group, found.dataset, found.backbone, found.hyperparameters, found.tuner, found.role)
    texts = [*names, *(text for text in (found.parent_group, found.reason) if text is not None)]
    if not all(isinstance(text, str) for text in texts) or type(found.seed) is not int:
        raise TypeError("a cell whose names are no text, or whose seed is no number")
    # It is the name of a folder: nothing must lead out of the one for cells.
    if not _ID.fullmatch(found.id):
        raise ValueError(f"a cell's id {found.id!r}")
    return found
