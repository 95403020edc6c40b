"""Every report in every form, in the matrix's ``tables`` folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness import files
from harness.analysis import Results
from harness.carbon import Intensity
from harness.plans import MatrixFolder
from harness.prices import Prices
from harness.reports import (
    anytime,
    efficiency,
    importance,
    learning_rate,
    models,
    pairwise,
    phases,
    profiles,
    ranks,
    rendering,
    to_target,
    tuning,
)
from harness.reports.report import Report

REPORTS = (
    *("efficiency", "to-target", "anytime", "tuning", "ranks", "pairwise", "profiles", "importance"),
    *("phases", "learning-rate", "models"),
)
"""Names of the files, without their endings."""

_FORMS = {"md": rendering.markdown, "csv": rendering.spreadsheet, "tex": rendering.latex}


def write(folder: MatrixFolder, reports: Sequence[Report]) -> list[Path]:
    """Write all tables as Markdown, CSV and LaTeX and return their paths; the same reports give the same bytes."""
    return [_write(folder.tables, report, ending) for report in reports for ending in _FORMS]


def made(results: Results, *, prices: Prices, carbon: Intensity) -> tuple[Report, ...]:
    """Return every report, in the order of ``REPORTS``; the same records give the same reports."""
    return (
        efficiency.report(results, prices=prices, carbon=carbon),
        to_target.report(results, prices=prices),
        anytime.report(results, prices=prices),
        tuning.report(results),
        ranks.report(results),
        pairwise.report(results),
        profiles.report(results, prices=prices),
        importance.report(results),
        phases.report(results),
        learning_rate.report(results),
        models.report(results),
    )


def _write(tables: Path, report: Report, ending: str) -> Path:
    path = tables / f"{report.name}.{ending}"
    files.write_atomically(path, _FORMS[ending](report).encode())
    return path
