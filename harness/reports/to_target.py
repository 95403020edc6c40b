"""What it costs to reach the group's target, and how many times less than by random search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.analysis import Group, MatrixResults, Row, groups
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import reaching, speedup
from harness.prices import Prices
from harness.reports import numerals, shared_columns, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.results_folder import GroupName

COLUMNS = (
    *(*GroupName._fields, "tuner", "axis", "target_val_score", "target_of", "reached", "searches", "unknown", "median"),
    *shared_columns.estimate_columns("expected"),
    *shared_columns.estimate_columns("speedup_over_random"),
    "metric",
)
"""Heads of the spreadsheet."""

_SHOWN = Axis.WALL_S

_NOTES = (
    "Median: of the search seconds until the target was met, misses infinite.",
    "Expected running time: all search seconds spent until the target or the end, over how many searches met it.",
    "That is what it takes on average if one starts again after each miss.",
    "Speed-up: expected running time of random search over the tuner's, on the seeds that both have; 1 is no gain.",
    "A bound of 0 or ∞ means that without one of the seeds none would have met it. No speed-up is a claim.",
    "None stands where half of the searches or more missed. Random search: the mean over all orders of its trials.",
    "In brackets: 95 % jackknife intervals over seeds. A failed search missed the target, a missing one isn't asked.",
)


def report(results: MatrixResults, *, prices: Prices) -> Report:
    """Return cost to target, expected running time and speed-up; readable in search seconds, as CSV on every axis."""
    found = groups(results)
    return Report(
        name="to-target",
        title="Cost to reach the target",
        sections=[_section(group, prices) for group in found],
        notes=[
            *(_NOTES if found else ()),
            *table_notes.few_seeds(found),
            *table_notes.disturbed(results.searches),
            *table_notes.beneath(results, found),
        ],
        columns=COLUMNS,
        rows=[values for group in found for row in group.rows for values in _values(group, row, prices)],
        empty="No searches were planned.",
    )


def _section(group: Group, prices: Prices) -> TableSection:
    goal = group.target
    of = "none, because no search has a score" if goal is None else f"at least {goal.score:.3f}, {goal.of}"
    return TableSection(
        heading=str(group.name),
        columns=["tuner", "reached", "median search s", "expected search s", "speed-up"],
        rows=[_readable(group, row, prices) for row in group.rows],
        notes=[f"Target: validation {group.score} of {of}." if goal is not None else f"Target: {of}."],
    )


def _readable(group: Group, row: Row, prices: Prices) -> list[str]:
    found = reaching(group, row, axis=_SHOWN, prices=prices)
    if found is None:
        return [row.tuner, *[numerals.UNKNOWN] * 4]
    return [
        row.tuner,
        f"{found.reached}/{found.searches}",
        numerals.number(found.median),
        numerals.number_estimate(found.expected),
        numerals.times_estimate(speedup(group, row, axis=_SHOWN, prices=prices)),
    ]


def _values(group: Group, row: Row, prices: Prices) -> Iterator[Mapping[str, CsvValue]]:
    for axis in Axis:
        found = reaching(group, row, axis=axis, prices=prices)
        if found is None:
            continue
        yield {
            **group.name._asdict(),
            "tuner": row.tuner,
            "axis": axis.value,
            "target_val_score": found.target.score,
            "target_of": found.target.of,
            "reached": found.reached,
            "searches": found.searches,
            "unknown": found.unknown,
            "median": found.median,
            **shared_columns.estimate("expected", found.expected),
            **shared_columns.estimate("speedup_over_random", speedup(group, row, axis=axis, prices=prices)),
            "metric": group.metric,
        }
