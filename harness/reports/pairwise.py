"""Every tuner against every other: wins, and whether they could be chance."""

from __future__ import annotations

from harness.analysis import MatrixResults
from harness.analysis.statistics import Comparison, Question, comparisons, judged
from harness.prices import Prices
from harness.reports import numerals, shared_columns, table_notes
from harness.reports.report_types import Report, TableSection

COLUMNS = (
    *(
        "tuner",
        "against",
        "seeds",
        "wins",
        "ties",
        "losses",
        *shared_columns.estimate_columns("difference"),
        "p",
        "verdict",
    ),
    "metric",
)
"""Heads of the spreadsheet."""


def report(results: MatrixResults, *, prices: Prices) -> Report:
    """Return all paired comparisons of two tuners."""
    made = judged(results, prices=prices)
    found = comparisons(made.verdicts)
    remarks = made.verdicts.overall[Question.SCORE].seeds.remarks
    return Report(
        name="pairwise",
        title="Tuners in pairs",
        sections=[_section(found)] if found else [],
        notes=[
            *(_notes(results.score) if found else ()),
            *table_notes.few_seeds(made.groups),
            *remarks,
            *table_notes.beneath(results, made.groups),
        ],
        columns=COLUMNS,
        rows=[
            {
                "tuner": each.first,
                "against": each.second,
                "seeds": each.seeds,
                "wins": each.wins,
                "ties": each.ties,
                "losses": each.losses,
                **shared_columns.estimate("difference", each.difference),
                "p": each.p,
                "verdict": each.verdict.value,
                "metric": results.metric,
            }
            for each in found
        ],
        empty="There are no two tuners to compare.",
    )


def _notes(score: str) -> list[str]:
    return [
        f"Test {score} averaged over the groups, seed by seed: only seeds are independent. A failed search has 0.",
        "Difference: the first tuner's minus the other's, with a 95 % t interval of this pair alone.",
        "p: corrected for all pairs of this table; the verdict follows from it, and not from the interval.",
        "A large p is no proof of equality. Seeds of one group are reruns on the same images, not new data sets.",
    ]


def _section(found: tuple[Comparison, ...]) -> TableSection:
    return TableSection(
        heading="All groups together",
        columns=["tuner", "against", "wins", "ties", "losses", "difference", "p", "verdict"],
        rows=[_readable(each) for each in found],
        text_columns=2,
    )


def _readable(each: Comparison) -> list[str]:
    counts = (str(each.wins), str(each.ties), str(each.losses))
    difference = numerals.signed_estimate(each.difference)
    return [each.first, each.second, *counts, difference, numerals.p_value(each.p), numerals.verdict(each.verdict)]
