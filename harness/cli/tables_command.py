"""``harness tables``: all that is made from the records."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import analysis, matrix
from harness.analysis import SearchResult
from harness.api import given_paths
from harness.api.results import Results, opened
from harness.cli import final_table, missing_cells, printing
from harness.cli.output_options import ALOUD, Voice
from harness.placement import required_libraries
from harness.reports.report_types import CsvValue
from harness.results_folder import MatrixFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What turns seconds into dollars and joules into carbon: files in place of the harness's own, and a grid."""

    prices: Path | None = None
    carbon: Path | None = None
    grid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was made of a matrix's records: the files of each part, and what they say."""

    matrix: str
    results: Results
    paths: Mapping[str, Sequence[Path]]

    def document(self, *, exit_code: int) -> dict[str, object]:
        """Return all of it for programs: unknown is None, and what was never reached ``inf``, as in the CSV."""
        table = self.results.tables.shown
        return {
            "matrix": self.matrix,
            "exit_code": exit_code,
            "cells": [_cell(search) for search in self.results.recorded.cells],
            table.name: [{column: _finite(row.get(column)) for column in table.columns} for row in table.rows],
            "files": {part: [str(path) for path in paths] for part, paths in self.paths.items()},
        }


def nothing(folder: MatrixFolder, *, exit_code: int) -> dict[str, object]:
    """Return for programs what became of searches none of which has a record."""
    cells = analysis.read(folder).cells if folder.has_plan else ()
    return {
        "matrix": folder.path.name,
        "exit_code": exit_code,
        "cells": [_cell(search) for search in cells],
        "files": {},
    }


def write(
    path: Path,
    *,
    results: Path,
    figures: Figures,
    mix_environments: bool,
    only: Collection[str] = (),
    voice: Voice = ALOUD,
) -> Written:
    """Write a matrix's tables, pictures and page from its records; say where they are, and print the first table.

    ``only`` names those of ``tables``, ``plots`` and ``page`` that are asked for; empty, all are.

    Raises:
        ResultsError: No search has a record, or those of one group ran in unlike environments that are not to be mixed.
    """
    required_libraries.check_reports()
    loaded = None if path.is_dir() else matrix.load(path)
    found = opened(
        path if loaded is None else given_paths.results_folder(results) / loaded.name,
        matrix=loaded,
        prices=figures.prices,
        carbon=figures.carbon,
        grid=figures.grid,
        mix_environments=mix_environments,
    )
    for line in found.remarks:
        voice.remark(line)
    written = found.write(only, wrote=lambda part, paths: _say(part, paths, found, voice))
    return Written(matrix=found.path.name, results=found, paths=written)


def _say(part: str, paths: Sequence[Path], found: Results, voice: Voice) -> None:
    if part == "tables" and voice.shows_tables:
        _show(found)
    if not voice.is_json:
        printing.say(_line(part, paths, found.folder))


def _show(found: Results) -> None:
    """Print the first table; where no search has a score, what went wrong in its place: a table would be all dashes."""
    if any(search.val_score is not None for search in found.recorded.searches):
        final_table.show(found.tables.shown)
    else:
        missing_cells.say(missing_cells.badly_ended(found.recorded.cells))


def _line(part: str, paths: Sequence[Path], folder: MatrixFolder) -> str:
    if part == "page":
        return f"page: {paths[0]}"
    if part == "tables":
        return f"tables: {len(paths)} files in {folder.tables}"
    return f"pictures: {len(paths)} files in {folder.plots}"


def _cell(search: SearchResult) -> dict[str, object]:
    planned = search.planned
    return {
        "id": planned.id,
        **planned.name._asdict(),
        "role": planned.role,
        "status": search.status.value,
        "reason": search.reason,
        "val_score": search.val_score,
        "test_score": search.test_score,
    }


def _finite(value: CsvValue) -> CsvValue:
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
