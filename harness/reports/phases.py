"""Where the seconds of a search went, and whether they add up to its process's."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis import Group, MatrixResults, Row, groups
from harness.analysis.means_and_t_intervals import mean
from harness.analysis.phases import seconds
from harness.phase_clock import PHASES
from harness.reports import mixed_environments, numerals, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection

COLUMNS = (
    *("dataset", "backbone", "hyperparameters", "tuner", "seeds_ok"),
    *(f"{phase}_s" for phase in PHASES),
    *("sum_s", "wall_s", "difference_percent"),
)
"""Heads of the spreadsheet."""


def report(results: MatrixResults) -> Report:
    """Return the mean seconds per phase and search, start-up, data and build included."""
    found = groups(results)
    values = [_values(group, row) for group in found for row in group.rows]
    used = [phase for phase in PHASES if any(row[f"{phase}_s"] for row in values)]
    return Report(
        name="phases",
        title="Where the seconds went",
        sections=[_section(group, used) for group in found],
        notes=[
            "Mean seconds per search over its whole process, the audit on test images included.",
            "Phases without any second are left out here and kept in the CSV.",
            "Total s: the process from start to end, measured from outside. Difference: the phases' sum against it.",
            *_resumed_notes(found),
            *table_notes.left_out(results, results.searches),
            *table_notes.disturbed(results.searches),
            *mixed_environments.unlike(found),
            *table_notes.holds_for(results.searches),
        ],
        columns=COLUMNS,
        rows=values,
        empty="No searches were planned.",
    )


def _values(group: Group, row: Row) -> dict[str, CsvValue]:
    spent = [seconds(search) for search in row.ok if search.phases]
    total = mean(sum(phases.values()) for phases in spent)
    wall_s = row.total_s
    per_phase: dict[str, CsvValue] = {f"{phase}_s": mean(phases[phase] for phases in spent) for phase in PHASES}
    return {
        **group.name._asdict(),
        "tuner": row.tuner,
        "seeds_ok": len(row.ok),
        **per_phase,
        "sum_s": total,
        "wall_s": wall_s,
        "difference_percent": _difference(total, wall_s),
    }


def _resumed(row: Row) -> int:
    return sum(1 for search in row.ok if search.record is not None and search.record.attempts > 1)


def _resumed_notes(found: Sequence[Group]) -> list[str]:
    resumed = sum(_resumed(row) for group in found for row in group.rows)
    if not resumed:
        return []
    return [f"Searches that went through several processes: {resumed}; their rows have no total to compare with."]


def _difference(total: float | None, wall_s: float | None) -> float | None:
    return None if total is None or not wall_s else 100 * (total - wall_s) / wall_s


def _section(group: Group, used: Sequence[str]) -> TableSection:
    return TableSection(
        heading=str(group.name),
        columns=["tuner", *used, "sum", "total s", "difference"],
        rows=[[row.tuner, *_readable(_values(group, row), used)] for row in group.rows],
    )


def _readable(values: dict[str, CsvValue], used: Sequence[str]) -> list[str]:
    numbers = [values[name] for name in (*(f"{phase}_s" for phase in used), "sum_s", "wall_s")]
    difference = values["difference_percent"]
    last = f"{round(difference, 2) + 0.0:.2f} %" if isinstance(difference, float) else numerals.UNKNOWN
    return [*(numerals.number(value) if not isinstance(value, str) else value for value in numbers), last]
