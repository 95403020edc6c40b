"""On which share of the problems a tuner is cheapest, or within a factor of the cheapest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.analysis import MatrixResults, groups
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import Profile, Profiles, profiles
from harness.prices import Prices
from harness.reports import numerals, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection

COLUMNS = ("tuner", "axis", "factor", "share", "problems", "solved")
"""Heads of the spreadsheet."""

FACTORS = (1.0, 1.5, 2.0, 5.0, 10.0)
"""The factors that the readable table shows."""

_SHOWN = Axis.WALL_S

_NOTES = (
    "A problem is a group and seed; it is solved where the group's target is reached.",
    "1×: cheapest of all tuners; 2×: at most twice as dear as the cheapest (Dolan and Moré 2002).",
    "Shares are of all problems, those that no tuner solved included.",
    "Factors are to the best of the tuners that take part, so adding one may change all.",
)


def report(results: MatrixResults, *, prices: Prices) -> Report:
    """Return performance profiles: readable in search seconds, as CSV every step on every axis."""
    found = groups(results)
    made = {axis: profiles(found, axis=axis, prices=prices) for axis in Axis}
    shown = made[_SHOWN]
    return Report(
        name="profiles",
        title="Performance profiles",
        sections=[_section(shown)] if shown.problems else [],
        notes=[*(_NOTES if shown.problems else ()), *shown.remarks, *table_notes.beneath(results, found)],
        columns=COLUMNS,
        rows=[row for axis in Axis for tuner in made[axis].tuners if tuner.problems for row in _values(tuner)],
        empty="No problem has a target, a known cost and a record of every tuner.",
    )


def _section(shown: Profiles) -> TableSection:
    return TableSection(
        heading=f"By search seconds; problems (groups × seeds): {shown.problems}",
        columns=["tuner", *(f"{factor:g}×" for factor in FACTORS), "solved"],
        rows=[_readable(tuner) for tuner in shown.tuners],
    )


def _readable(tuner: Profile) -> list[str]:
    return [tuner.tuner, *(numerals.percent(tuner.at(factor)) for factor in FACTORS), numerals.percent(tuner.solved)]


def _values(tuner: Profile) -> Iterator[Mapping[str, CsvValue]]:
    for factor, share in zip(tuner.factor, tuner.share, strict=True):
        yield {
            "tuner": tuner.tuner,
            "axis": tuner.axis.value,
            "factor": factor,
            "share": share,
            "problems": tuner.problems,
            "solved": tuner.solved,
        }
