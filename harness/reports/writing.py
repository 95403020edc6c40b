"""Every report in every form, in the matrix's ``tables`` folder."""

from __future__ import annotations

from pathlib import Path

from harness import files
from harness.analysis import Results
from harness.carbon import Intensity
from harness.plans import MatrixFolder
from harness.prices import Prices
from harness.reports import efficiency, learning_rate, models, phases, rendering
from harness.reports.report import Report

REPORTS = ("efficiency", "phases", "learning-rate", "models")
"""Names of the files, without their endings."""

_FORMS = {"md": rendering.markdown, "csv": rendering.spreadsheet, "tex": rendering.latex}


def write(folder: MatrixFolder, results: Results, *, prices: Prices, carbon: Intensity) -> list[Path]:
    """Write all tables as Markdown, CSV and LaTeX and return their paths; the same records give the same bytes."""
    return [_write(folder.tables, report, ending) for report in _reports(results, prices, carbon) for ending in _FORMS]


def _reports(results: Results, prices: Prices, carbon: Intensity) -> tuple[Report, ...]:
    made = efficiency.report(results, prices=prices, carbon=carbon)
    return made, phases.report(results), learning_rate.report(results), models.report(results)


def _write(tables: Path, report: Report, ending: str) -> Path:
    path = tables / f"{report.name}.{ending}"
    files.write_atomically(path, _FORMS[ending](report).encode())
    return path
