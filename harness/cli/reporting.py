"""``harness tables``: all that is made from the records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from harness import analysis, carbon, matrix, page, plots, prices, reports
from harness.carbon import Intensity
from harness.cli import places, printing
from harness.errors import UserError
from harness.plans import MatrixFolder
from harness.prices import Prices
from harness.reports.report import Report

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
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(f"reports need {', '.join(missing)}; make setup, or pip install 'tuner-harness[report]'")


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

    def tables(self) -> str:
        tables = reports.kept.load(self.folder.derived_tables, self.key)
        if tables is None:
            tables = reports.rendered(self.reports)
            reports.kept.save(self.folder.derived_tables, self.key, tables)
        printing.console().print(reports.terminal(tables.shown))
        return f"tables: {len(reports.write(self.folder, tables))} files in {self.folder.tables}"

    @contextmanager
    def pictures(self) -> Iterator[Callable[[], str]]:
        """Begin the pictures; give what waits for them."""
        with plots.drawers(self.folder) as drawer:
            drawn = plots.begin(self.folder, self.results, prices=self.prices, drawer=drawer)
            yield lambda: f"pictures: {len(drawn())} files in {self.folder.plots}"

    def page(self) -> str:
        text = self.matrix.read_text(encoding="utf-8")
        made = page.write(self.folder, self.results, reports=self.reports, prices=self.prices, matrix_text=text)
        return f"page: {made}"


def write(path: Path, *, results: Path, figures: Figures, mix_environments: bool, only: Collection[str] = ()) -> None:
    """Write a matrix's tables, pictures and page from its records; say where they are, and print the first table.

    ``only`` names those of ``tables``, ``plots`` and ``page`` that are asked for; empty, all are.

    Raises:
        ResultsError: Searches of one group ran in unlike environments, and these are not to be mixed.
    """
    check_installed()
    loaded = matrix.load(path)
    folder = MatrixFolder(places.results_folder(results) / loaded.name)
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
    others = {"tables": making.tables, "page": making.page}
    with ExitStack() as stack:
        # Begun first: they take longest, and where there are many, processes of their own.
        pictures = [stack.enter_context(making.pictures())] if not only or "plots" in only else []
        for make in [*(make for part, make in others.items() if not only or part in only), *pictures]:
            printing.console().print(make(), soft_wrap=True)
