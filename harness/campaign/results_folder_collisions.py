"""Two matrix files of one name share one results folder: said before one takes over the other's plan and page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import ResultsError
from harness.matrix import Matrix, combinations
from harness.results_folder import MatrixFolder, Planned


def of_run(folder: MatrixFolder, planned: Sequence[Planned], matrix: Path) -> list[str]:
    """Return a warning where a run of ``matrix`` drops cells that a file elsewhere had planned."""
    dropped = {cell.id for cell in _of_another(folder, matrix)} - {cell.id for cell in planned}
    what = f"{len(dropped)} of its cells are left out of plan, tables and page from now on, their records are kept"
    return [_warning(folder, matrix, what)] if dropped else []


def of_tables(folder: MatrixFolder, matrix: Matrix) -> list[str]:
    """Return a warning where tables and page are made of searches that a file elsewhere had planned."""
    asked = {(each.dataset, each.backbone, each.tuner, each.hyperparameters) for each in combinations(matrix.spec)}
    planned = _of_another(folder, matrix.path)
    named = [(cell.dataset, cell.backbone, cell.tuner, cell.hyperparameters) for cell in planned]
    others = [name for name in named if name not in asked]
    what = f"{len(others)} of its cells, which {matrix.path} doesn't ask for, are what tables and page show"
    return [_warning(folder, matrix.path, what)] if others else []


def _warning(folder: MatrixFolder, matrix: Path, what: str) -> str:
    held = f"{folder.path}: holds the plan of another file named {matrix.name}"
    return f"{held}; {what}; rename one of the files, or keep their results apart (--results DIR)"


def _of_another(folder: MatrixFolder, matrix: Path) -> list[Planned]:
    try:
        return [cell for cell in folder.plan() if cell.role == "search"] if folder.is_of_another(matrix) else []
    except ResultsError:
        # A run writes it anew; tables say so themselves.
        return []
