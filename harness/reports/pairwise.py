"""Every tuner against every other: wins, and whether they could be chance."""

from __future__ import annotations

from harness.analysis import Results, groups
from harness.analysis.statistics import Comparison, comparisons
from harness.reports import cells, notes
from harness.reports.report import Report, Section

COLUMNS = (
    *("tuner", "against", "pairs", "wins", "ties", "losses", "median_difference", "wilcoxon_p", "holm_p", "smallest_p"),
    *("remark", "metric"),
)
"""Heads of the spreadsheet."""

_NOTES = (
    "p: two-sided Wilcoxon signed-rank test; Holm: the same corrected for all comparisons of this table.",
    "A large p is no proof of equality. Pairs of one group are reruns on the same images, not new data sets.",
)


def report(results: Results) -> Report:
    """Return all paired comparisons of two tuners."""
    compared = groups(results)
    found = comparisons(compared)
    return Report(
        name="pairwise",
        title="Tuners in pairs",
        sections=[_section(found)] if found else [],
        notes=[
            *([_judged_by(results.score), *_NOTES] if found else ()),
            *_remarks(found),
            *notes.beneath(results, compared),
        ],
        columns=COLUMNS,
        rows=[
            {
                "tuner": each.first,
                "against": each.second,
                "pairs": each.pairs,
                "wins": each.wins,
                "ties": each.ties,
                "losses": each.losses,
                "median_difference": each.median_difference,
                "wilcoxon_p": each.p,
                "holm_p": each.p_holm,
                "smallest_p": each.smallest_p,
                "remark": each.remark,
                "metric": results.metric,
            }
            for each in found
        ],
        empty="There are no two tuners to compare.",
    )


def _judged_by(score: str) -> str:
    return f"Test {score} on the same group and seed; a failed search loses to any other."


def _section(found: tuple[Comparison, ...]) -> Section:
    return Section(
        heading="All groups and seeds",
        columns=["tuner", "against", "wins", "ties", "losses", "median difference", "p", "Holm"],
        rows=[_readable(each) for each in found],
        text_columns=2,
    )


def _readable(each: Comparison) -> list[str]:
    difference = cells.UNKNOWN if each.median_difference is None else f"{each.median_difference:+.3f}"
    counts = (str(each.wins), str(each.ties), str(each.losses))
    return [each.first, each.second, *counts, difference, cells.p_value(each.p), cells.p_value(each.p_holm)]


def _remarks(found: tuple[Comparison, ...]) -> list[str]:
    alike: dict[str, list[Comparison]] = {}
    for each in found:
        if each.remark is not None:
            alike.setdefault(each.remark, []).append(each)
    return [f"{_names(named)}: {remark}." for remark, named in alike.items()]


def _names(named: list[Comparison]) -> str:
    first = f"{named[0].first} against {named[0].second}"
    return first if len(named) == 1 else f"{first} and {len(named) - 1} more"
