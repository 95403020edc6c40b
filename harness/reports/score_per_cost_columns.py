"""Columns of what the searches found for each unit of what they cost."""

from __future__ import annotations

from dataclasses import asdict, fields

from harness.analysis import Group, Row
from harness.analysis.statistics import ValuePerUnit, gain_rate, score_rate
from harness.prices import Prices
from harness.reports.report_types import CsvValue

COLUMNS = tuple(
    f"{what}_{field.name}" for what in ("test_score", "gain_over_default") for field in fields(ValuePerUnit)
)
"""Heads of a spreadsheet."""


def values(group: Group, row: Row, prices: Prices) -> dict[str, CsvValue]:
    """Return the values of ``COLUMNS``."""
    found = (score_rate(row, prices=prices), gain_rate(group, row, prices=prices))
    return dict(zip(COLUMNS, (value for rate in found for value in asdict(rate).values()), strict=True))
