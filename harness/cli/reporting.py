"""``harness tables``: all that is made from the records."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness import analysis, carbon, matrix, page, plots, prices, reports
from harness.analysis import Search
from harness.campaign import takeover
from harness.carbon import Intensity
from harness.cli import places, printing, tables
from harness.cli.voice import ALOUD, Voice
from harness.errors import ResultsError, UserError
from harness.plans import MatrixFolder
from harness.prices import Prices
from harness.reports import Tables
from harness.reports.report import CsvValue, Report

_NEEDED = ("matplotlib", "numpy", "optuna", "polars", "scipy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What turns seconds into dollars and joules into carbon: files in place of the harness's own, and a grid."""

    prices: Path | None = None
    carbon: Path | None = None
    grid: str | None = None


def check_installed() -> None:
    """Let only an installation pass that can write reports: better told before hours of searching than after.

    Raises:
        UserError: A package is missing; says how to get it.
    """
    lacking = [name for name in _NEEDED if find_spec(name) is None]
    if lacking:
        raise UserError(f"reports need {', '.join(lacking)}; make setup, or pip install 'tuner-harness[report]'")


# No slots: records are read, and reports made, once and only if something asks for them.
@dataclass(frozen=True, kw_only=True)
class _Making:
    matrix: Path
    folder: MatrixFolder
    prices: Prices
    carbon: Intensity
    mix_environments: bool
    equivalence: float
    # Of the kept tables: taken before the records are read, whichever part asks for these first.
    key: str

    @cached_property
    def results(self) -> analysis.Results:
        read = analysis.read(self.folder, equivalence=self.equivalence)
        if not self.mix_environments:
            reports.refuse_unlike(analysis.groups(read))
        return read

    @cached_property
    def reports(self) -> tuple[Report, ...]:
        return reports.made(self.results, prices=self.prices, carbon=self.carbon)

    @cached_property
    def rendered(self) -> Tables:
        tables = reports.kept.load(self.folder.derived_tables, self.key)
        if tables is None:
            tables = reports.rendered(self.reports)
            reports.kept.save(self.folder.derived_tables, self.key, tables)
        return tables

    def tables(self) -> list[Path]:
        return reports.write(self.folder, self.rendered)

    @contextmanager
    def pictures(self) -> Iterator[Callable[[], list[Path]]]:
        """Begin the pictures; give what waits for them."""
        with plots.drawers(self.folder) as drawer:
            yield plots.begin(self.folder, self.results, prices=self.prices, drawer=drawer)

    def page(self) -> list[Path]:
        text = self.matrix.read_text(encoding="utf-8")
        return [page.write(self.folder, self.results, reports=self.reports, prices=self.prices, matrix_text=text)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was made of a matrix's records: the files of each part, and what they say."""

    matrix: str
    results: Callable[[], analysis.Results]
    table: Callable[[], Report]
    paths: Mapping[str, Sequence[Path]]

    def document(self, *, exit_code: int) -> dict[str, Any]:
        """Return all of it for programs: unknown is None, and what was never reached ``inf``, as in the CSV."""
        table = self.table()
        return {
            "matrix": self.matrix,
            "exit_code": exit_code,
            "cells": [_cell(search) for search in self.results().cells],
            table.name: [{column: _finite(row.get(column)) for column in table.columns} for row in table.rows],
            "files": {part: [str(path) for path in paths] for part, paths in self.paths.items()},
        }


def nothing(folder: MatrixFolder, *, exit_code: int) -> dict[str, Any]:
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
    check_installed()
    loaded = matrix.load(path)
    folder = MatrixFolder(places.results_folder(results) / loaded.name)
    if not folder.has_records:
        raise ResultsError(f"{folder.path}: no search has a record yet; run the matrix first: harness run {path}")
    for line in takeover.of_tables(folder, loaded):
        voice.remark(line)
    price_list, intensity = prices.load(figures.prices), carbon.load(figures.carbon, grid=figures.grid)
    making = _Making(
        matrix=path,
        folder=folder,
        prices=price_list,
        carbon=intensity,
        mix_environments=mix_environments,
        equivalence=loaded.spec.equivalence,
        key=reports.kept.key(
            folder,
            prices=price_list,
            carbon=intensity,
            mix_environments=mix_environments,
            equivalence=loaded.spec.equivalence,
        ),
    )
    makers: dict[str, Callable[[], list[Path]]] = {"tables": making.tables, "page": making.page}
    written: dict[str, Sequence[Path]] = {}
    with ExitStack() as stack:
        if not only or "plots" in only:
            # Begun first: they take longest, and where there are many, processes of their own.
            makers["plots"] = stack.enter_context(making.pictures())
        for part in (part for part in makers if not only or part in only):
            written[part] = makers[part]()
            _say(part, written[part], making, voice)
    return Written(
        matrix=loaded.name,
        results=lambda: making.results,
        table=lambda: making.rendered.shown,
        paths=written,
    )


def _say(part: str, paths: Sequence[Path], making: _Making, voice: Voice) -> None:
    if part == "tables" and voice.shows_tables:
        tables.show(making.rendered.shown)
    if not voice.is_json:
        printing.say(_line(part, paths, making.folder))


def _line(part: str, paths: Sequence[Path], folder: MatrixFolder) -> str:
    if part == "page":
        return f"page: {paths[0]}"
    if part == "tables":
        return f"tables: {len(paths)} files in {folder.tables}"
    return f"pictures: {len(paths)} files in {folder.plots}"


def _cell(search: Search) -> dict[str, Any]:
    planned = search.planned
    return {
        "id": planned.id,
        **planned.name._asdict(),
        "role": planned.role,
        "status": search.status.value,
        "reason": search.reason,
        "val_f1": search.val_f1,
        "test_f1": search.test_f1,
    }


def _finite(value: CsvValue) -> CsvValue:
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
