"""Columns that several spreadsheets share."""

from __future__ import annotations

from harness.analysis.statistics import Estimate
from harness.reports.report_types import CsvValue


def estimate(name: str, value: Estimate | None) -> dict[str, CsvValue]:
    """Return the values of the columns of ``estimate_columns``; none where there is no estimate."""
    if value is None:
        return {}
    return {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high, f"{name}_n": value.n}


def estimate_columns(name: str) -> tuple[str, str, str, str]:
    """Return the columns of a statistic, of the ends of its interval, and of the number of values that it rests on."""
    return name, f"{name}_low", f"{name}_high", f"{name}_n"
