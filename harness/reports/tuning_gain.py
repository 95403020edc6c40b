"""Is tuning worth it: against no tuning, against random search, and what selection overrates."""

from __future__ import annotations

from collections.abc import Mapping

from harness.analysis import Group, MatrixResults, Row, groups
from harness.analysis.statistics import Gain, over_random, over_untuned, overtuning
from harness.reports import numerals, shared_columns, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.results_folder import GroupName

COLUMNS = (
    *(*GroupName._fields, "tuner"),
    *(
        *shared_columns.estimate_columns("over_default"),
        "worse_than_default",
        "tied_with_default",
        "left_out_of_default",
    ),
    *(*shared_columns.estimate_columns("over_random"), "worse_than_random", "tied_with_random", "left_out_of_random"),
    *(
        *shared_columns.estimate_columns("gap_score"),
        *shared_columns.estimate_columns("overtuning_score"),
        "overtuned",
        "metric",
    ),
)
"""Heads of the spreadsheet."""


def _notes(score: str) -> tuple[str, ...]:
    return (
        f"Over default, over random: mean test {score} minus that of no tuning, or of random search, by seed.",
        "Worse: on how many seeds it is below.",
        f"Gap: mean validation minus test {score} of the final incumbent, what selection overrates.",
        f"Overtuning: how much better an earlier incumbent's test {score} was, lost by selecting longer; 0 is none.",
        "The best of the earlier ones is picked on test images, so a little of it is luck.",
        "In brackets stand 95 % t intervals over seeds.",
    )


def report(results: MatrixResults) -> Report:
    """Return paired gains over no tuning and random search, the gap to validation, and overtuning."""
    found = groups(results)
    return Report(
        name="tuning",
        title="Tuning against no tuning",
        sections=[_section(group) for group in found],
        notes=[
            *(_notes(results.score) if found else ()),
            *table_notes.few_seeds(found),
            *table_notes.beneath(results, found),
        ],
        columns=COLUMNS,
        rows=[_values(group, row) for group in found for row in group.rows],
        empty="No searches were planned.",
    )


def _section(group: Group) -> TableSection:
    return TableSection(
        heading=str(group.name),
        columns=["tuner", "over default", "worse", "over random", "worse", "gap", "overtuning", "overtuned"],
        rows=[_readable(group, row) for row in group.rows],
        notes=_missing_yardsticks(group),
    )


def _missing_yardsticks(group: Group) -> list[str]:
    found = []
    if not any(row.is_untuned for row in group.rows):
        found.append("No default configuration was run: nothing says whether tuning pays.")
    if not any(row.is_random for row in group.rows):
        found.append("No random search was run: nothing says whether the tuners are clever.")
    return found


def _readable(group: Group, row: Row) -> list[str]:
    lost = overtuning(row)
    return [
        row.tuner,
        *_gain(over_untuned(group, row)),
        *_gain(over_random(group, row)),
        numerals.signed_estimate(lost.gap),
        numerals.score_estimate(lost.loss),
        f"{lost.losers}/{lost.searches}" if lost.searches else numerals.UNKNOWN,
    ]


def _gain(found: Gain | None) -> tuple[str, str]:
    if found is None:
        return numerals.UNKNOWN, numerals.UNKNOWN
    return numerals.signed_estimate(found.estimate), f"{found.worse}/{found.estimate.n}"


def _values(group: Group, row: Row) -> Mapping[str, CsvValue]:
    lost = overtuning(row)
    return {
        **group.name._asdict(),
        "tuner": row.tuner,
        **_gain_values("default", over_untuned(group, row)),
        **_gain_values("random", over_random(group, row)),
        **shared_columns.estimate("gap_score", lost.gap),
        **shared_columns.estimate("overtuning_score", lost.loss),
        "overtuned": lost.losers if lost.searches else None,
        "metric": group.metric,
    }


def _gain_values(name: str, found: Gain | None) -> dict[str, CsvValue]:
    if found is None:
        return {}
    return {
        **shared_columns.estimate(f"over_{name}", found.estimate),
        f"worse_than_{name}": found.worse,
        f"tied_with_{name}": found.tied,
        f"left_out_of_{name}": found.left_out,
    }
