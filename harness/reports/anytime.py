"""Test score on the way: what a search has in hand after a part of the cost, and the area under that curve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.analysis import Group, MatrixResults, groups
from harness.analysis.cost_axes import Axis, Score
from harness.analysis.statistics import Area, Band, Estimate, Frame, areas, band, frame
from harness.prices import Prices
from harness.reports import numerals, shared_columns, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.results_folder import GroupName

PARTS = (0.1, 0.25, 0.5, 1.0)
"""The parts of the group's cost at which curves are read."""

COLUMNS = (
    *(*GroupName._fields, "tuner", "axis", "score", "part", "cost"),
    *shared_columns.estimate_columns("mean_score"),
    *("searches_left_out", "searches_running", *shared_columns.estimate_columns("area"), "area_unknown"),
    *("frame_worst_score", "frame_best_score", "frame_cost", "metric"),
)
"""Heads of the spreadsheet."""

_SHOWN = Axis.WALL_S


def report(results: MatrixResults, *, prices: Prices) -> Report:
    """Return the anytime curves, read at a few parts of what a random search costs."""
    found = groups(results)
    return Report(
        name="anytime",
        title=f"Test {results.score} on the way",
        sections=[_section(group, prices) for group in found],
        notes=[
            *(_notes(results.score) if found else ()),
            *table_notes.few_seeds(found),
            *table_notes.beneath(results, found),
        ],
        columns=COLUMNS,
        rows=[row for group in found for row in _values(group, prices)],
        empty="No searches were planned.",
    )


def _notes(score: str) -> tuple[str, ...]:
    return (
        f"Mean test {score} of the incumbent after a part of a random search's search seconds.",
        "In brackets stand 95 % t intervals over seeds.",
        "The tuner's thinking counts, scoring test images doesn't. An ended search goes on with its last value.",
        f"Area: mean share of the frame under each search's curve, 0 to 1, linear in cost and {score}.",
        "Failed searches have an area of 0.",
        "A dash: some search has no score yet, or the cost is unknown.",
        f"The CSV has every cost axis and validation {score}.",
    )


def _section(group: Group, prices: Prices) -> TableSection:
    bounds = frame(group, axis=_SHOWN, score=Score.TEST, prices=prices)
    found = areas(group, axis=_SHOWN, score=Score.TEST, prices=prices)
    bands = _bands(group, bounds, axis=_SHOWN, score=Score.TEST, prices=prices)
    return TableSection(
        heading=str(group.name),
        columns=["tuner", *(f"{100 * part:g} %" for part in PARTS), "area", "seeds"],
        rows=[_readable(each, area, bounds) for each, area in zip(bands, found, strict=True)],
        notes=[_frame_note(bounds, group.score)],
    )


def _bands(group: Group, bounds: Frame | None, *, axis: Axis, score: Score, prices: Prices) -> list[Band]:
    at = [] if bounds is None else [part * bounds.cost for part in PARTS]
    return [band(row, axis=axis, score=score, prices=prices, at=at) for row in group.rows]


def _readable(each: Band, area: Area, bounds: Frame | None) -> list[str]:
    found = _by_part(each, bounds)
    shown = [numerals.score_estimate(found[part]) if part in found else numerals.UNKNOWN for part in PARTS]
    return [each.tuner, *shown, numerals.score_estimate(area.area), str(each.n)]


def _by_part(each: Band, bounds: Frame | None) -> Mapping[float, Estimate]:
    if bounds is None:
        return {}
    # Costs that come too early were left out at the front.
    parts = PARTS[len(PARTS) - len(each.cost) :]
    points = zip(parts, each.mean, each.low, each.high, strict=True)
    return {part: Estimate(value=mean, low=low, high=high, n=each.n) for part, mean, low, high in points}


def _frame_note(bounds: Frame | None, score: str) -> str:
    if bounds is None:
        return "No area: no search has a score, all scores are equal, or no cost is known."
    return (
        f"100 % are {numerals.number(bounds.cost)} search s. "
        f"Areas: {score} from {bounds.worst:.3f} ({bounds.worst_of}) to {bounds.best:.3f} (the best of any search)."
    )


def _values(group: Group, prices: Prices) -> Iterator[Mapping[str, CsvValue]]:
    for axis in Axis:
        for score in Score:
            bounds = frame(group, axis=axis, score=score, prices=prices)
            found = areas(group, axis=axis, score=score, prices=prices)
            for each, area in zip(_bands(group, bounds, axis=axis, score=score, prices=prices), found, strict=True):
                yield from _rows(group, each, area, bounds)


def _rows(group: Group, each: Band, area: Area, bounds: Frame | None) -> Sequence[Mapping[str, CsvValue]]:
    if bounds is None:
        return []
    found = _by_part(each, bounds)
    first = len(PARTS) - len(each.cost)
    return [
        {
            **group.name._asdict(),
            "tuner": each.tuner,
            "axis": each.axis.value,
            "score": each.score.value,
            "part": part,
            "cost": part * bounds.cost,
            **shared_columns.estimate("mean_score", found.get(part)),
            "searches_left_out": each.left_out,
            "searches_running": each.running[index - first] if index >= first else None,
            **shared_columns.estimate("area", area.area),
            "area_unknown": area.unknown,
            "frame_worst_score": bounds.worst,
            "frame_best_score": bounds.best,
            "frame_cost": bounds.cost,
            "metric": group.metric,
        }
        for index, part in enumerate(PARTS)
    ]
