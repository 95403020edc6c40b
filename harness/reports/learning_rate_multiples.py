"""Test scores at multiples of the learning rate that was found best."""

from __future__ import annotations

from collections.abc import Mapping

from harness.analysis import MatrixResults, SearchResult
from harness.analysis.learning_rate_retrainings import RatePoint, checks, intervals_of
from harness.reports import numerals, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.results_folder import GroupName
from harness.search_types import Epoch

COLUMNS = (
    *("dataset", "backbone", "hyperparameters", "learning_rate", "factor", "seeds"),
    *("val_score", "val_score_low", "val_score_high", "test_score", "test_score_low", "test_score_high", "metric"),
)
"""Heads of the spreadsheet."""


def report(results: MatrixResults) -> Report:
    """Return scores at the best configuration with its learning rate multiplied, everything else kept."""
    points = checks(results)
    found = dict.fromkeys(point.group for point in points)
    return Report(
        name="learning-rate",
        title=f"Test {results.score} at multiples of the best learning rate",
        sections=[_section(group, points, results.score) for group in found],
        notes=[*_not_retrained(results), *(_notes(results) if results.retrainings else [])],
        columns=COLUMNS,
        rows=[{**_values(point, trials), "metric": results.metric} for point, trials in points.items()],
        empty=_why_empty(results),
    )


def _why_empty(results: MatrixResults) -> str:
    if results.retrainings or _not_retrained(results):
        return "No retraining at other learning rates has a result."
    return "No retraining at other learning rates is asked for by any search that has ended (learning_rate_factors)."


def _not_retrained(results: MatrixResults) -> list[str]:
    """Return a note on each group that asks for retrainings and has none planned, because no search finished."""
    planned = {search.planned.parent_group for search in results.retrainings}
    waiting = {
        search.planned.name.group: None
        for search in results.searches
        if _asks_for_retraining(search) and search.planned.group not in planned
    }
    return [f"{group}: not retrained, as its searches are not done or none of them succeeded." for group in waiting]


def _asks_for_retraining(search: SearchResult) -> bool:
    protocol = search.asked.protocol
    return protocol is not None and bool(protocol.learning_rate_factors)


def _values(point: RatePoint, epochs: list[Epoch | None]) -> Mapping[str, CsvValue]:
    val_score, test_score = intervals_of(epochs)
    return {
        **point.group._asdict(),
        "learning_rate": point.learning_rate,
        "factor": point.factor,
        "seeds": len(epochs),
        "val_score": val_score.mean,
        "val_score_low": val_score.low,
        "val_score_high": val_score.high,
        "test_score": test_score.mean,
        "test_score_low": test_score.low,
        "test_score_high": test_score.high,
    }


def _section(group: GroupName, points: Mapping[RatePoint, list[Epoch | None]], score: str) -> TableSection:
    own = {point: epochs for point, epochs in points.items() if point.group == group}
    unscored = sum(1 for epochs in own.values() for epoch in epochs if epoch is None)
    return TableSection(
        heading=str(group),
        columns=["learning rate", "factor", "seeds", f"val {score}", f"test {score}"],
        rows=[_readable(point, epochs) for point, epochs in own.items()],
        text_columns=0,
        notes=[f"{unscored} trainings have no score; {score} leaves them out."] if unscored else [],
    )


def _readable(point: RatePoint, epochs: list[Epoch | None]) -> list[str]:
    val_score, test_score = intervals_of(epochs)
    factor = numerals.UNKNOWN if point.factor is None else f"{point.factor:g}"
    rate = f"{point.learning_rate:.3g}"
    return [rate, factor, str(len(epochs)), numerals.score_interval(val_score), numerals.score_interval(test_score)]


def _notes(results: MatrixResults) -> list[str]:
    return [
        "The group's best configuration is trained again at each learning rate; factor 1 is the one that was found.",
        "Scores are those of each training's own best epoch on the validation images.",
        "After ± stands half a 95 % t interval over seeds.",
        *table_notes.left_out(results, results.retrainings),
        *table_notes.holds_for(results.retrainings),
    ]
