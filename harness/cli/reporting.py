"""``harness tables``: all that is made from the records."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness import analysis, carbon, matrix, page, plots, prices, reports
from harness.cli import places, printing
from harness.errors import UserError
from harness.plans import MatrixFolder

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


def write(path: Path, *, results: Path, figures: Figures, mix_environments: bool) -> None:
    """Write a matrix's tables, pictures and page from its records; print the first table and where the others are.

    Raises:
        ResultsError: Searches of one group ran in unlike environments, and these are not to be mixed.
    """
    check_installed()
    folder = MatrixFolder(places.results_folder(results) / matrix.load(path).name)
    price_list, intensity = prices.load(figures.prices), carbon.load(figures.carbon, grid=figures.grid)
    read = analysis.read(folder)
    if not mix_environments:
        reports.refuse_unlike(analysis.groups(read))
    made = reports.made(read, prices=price_list, carbon=intensity)
    tables = reports.write(folder, made)
    pictures = plots.write(folder, read, prices=price_list)
    text = path.read_text(encoding="utf-8")
    whole = page.write(folder, read, reports=made, prices=price_list, matrix_text=text)
    console = printing.console()
    console.print(reports.terminal(read, prices=price_list, carbon=intensity))
    console.print(f"tables: {len(tables)} files in {folder.tables}", soft_wrap=True)
    console.print(f"pictures: {len(pictures)} files in {folder.plots}", soft_wrap=True)
    console.print(f"page: {whole}", soft_wrap=True)
