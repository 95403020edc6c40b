"""Every report in every form, in the matrix's ``tables`` folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import files
from harness.analysis import MatrixResults
from harness.carbon import Intensity
from harness.prices import Prices
from harness.reports import (
    answer,
    anytime,
    backbone_sizes,
    efficiency,
    efficiency_in_terminal,
    importance,
    learning_rate_multiples,
    pairwise,
    phases,
    profiles,
    ranks,
    rendering,
    to_target,
    trial_outcomes,
    tuner_settings,
    tuning_gain,
)
from harness.reports.report_types import Report
from harness.results_folder import MatrixFolder

REPORTS = (
    *("efficiency", "answer", "to-target", "anytime", "tuning", "ranks", "pairwise", "profiles", "importance"),
    *("phases", "outcomes", "learning-rate", "models", "told"),
)
"""Names of the files, without their endings."""

_FORMS = {"md": rendering.markdown, "csv": rendering.spreadsheet, "tex": rendering.latex}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What is in each file by its name, and what of it a terminal shows (``efficiency_in_terminal.narrowed``)."""

    files: Mapping[str, str]
    shown: Report


def write(folder: MatrixFolder, tables: Tables) -> list[Path]:
    """Write all tables as Markdown, CSV and LaTeX and return their paths."""
    paths = []
    for name, text in tables.files.items():
        files.write_atomically(folder.tables / name, text.encode())
        paths.append(folder.tables / name)
    return paths


def rendered(reports: Sequence[Report]) -> Tables:
    """Return reports, the one on efficiency first, in every form; the same reports give the same text."""
    return Tables(
        files={f"{report.name}.{ending}": form(report) for report in reports for ending, form in _FORMS.items()},
        shown=efficiency_in_terminal.narrowed(reports[0]),
    )


def made(results: MatrixResults, *, prices: Prices, carbon: Intensity) -> tuple[Report, ...]:
    """Return every report, in the order of ``REPORTS``; the same records give the same reports."""
    return (
        efficiency.report(results, prices=prices, carbon=carbon),
        answer.report(results, prices=prices),
        to_target.report(results, prices=prices),
        anytime.report(results, prices=prices),
        tuning_gain.report(results),
        ranks.report(results, prices=prices),
        pairwise.report(results, prices=prices),
        profiles.report(results, prices=prices),
        importance.report(results),
        phases.report(results),
        trial_outcomes.report(results),
        learning_rate_multiples.report(results),
        backbone_sizes.report(results),
        tuner_settings.report(results),
    )
