"""Average ranks over all groups and seeds, with what can't be told apart."""

from __future__ import annotations

import string

from harness.analysis import Results, groups
from harness.analysis.statistics import Ranks, ranks
from harness.reports import cells, notes
from harness.reports.report import Report, Section

COLUMNS = (
    *("tuner", "average_rank", "blocks", "groups", "tuners", "critical_difference", "friedman_chi2", "friedman_p"),
    *("friedman_smallest_p",),
)
"""Heads of the spreadsheet."""

_NOTES = (
    "Alike: tuners that share a letter can't be told apart by their average ranks (Nemenyi's test at 0.05).",
    "Average ranks depend on which tuners take part; the paired tests don't.",
)


def report(results: Results) -> Report:
    """Return the average ranks of the tuners that all groups share."""
    compared = groups(results)
    found = ranks(compared)
    return Report(
        name="ranks",
        title="Average ranks",
        sections=[_section(found)] if found.tuners else [],
        notes=[
            *([_ranked_by(results.score), *_NOTES] if found.tuners else ()),
            *found.remarks,
            *notes.beneath(results, compared),
        ],
        columns=COLUMNS,
        rows=[
            {
                "tuner": tuner,
                "average_rank": average,
                "blocks": found.blocks,
                "groups": found.groups,
                "tuners": len(found.tuners),
                "critical_difference": found.critical_difference,
                "friedman_chi2": found.chi2,
                "friedman_p": found.p,
                "friedman_smallest_p": found.smallest_p,
            }
            for tuner, average in zip(found.tuners, found.average, strict=True)
        ],
        empty="No ranks.",
    )


def _ranked_by(score: str) -> str:
    best = f"Rank 1 has the best test {score} on a group and seed"
    return f"{best}; equals share their mean rank, a failed search ranks last."


def _section(found: Ranks) -> Section:
    pairs = zip(found.tuners, found.average, strict=True)
    return Section(
        heading=f"Tuners: {len(found.tuners)}; rankings (groups × seeds): {found.blocks}",
        columns=["tuner", "average rank", "alike"],
        rows=[[tuner, f"{average:.2f}", _letters(found, tuner)] for tuner, average in pairs],
        notes=[_test_note(found)],
    )


def _letters(found: Ranks, tuner: str) -> str:
    cliques = zip(string.ascii_lowercase, found.cliques, strict=False)
    return "".join(letter for letter, clique in cliques if tuner in clique) or cells.UNKNOWN


def _test_note(found: Ranks) -> str:
    critical = f"Critical difference: {cells.number(found.critical_difference)}."
    if found.p is None:
        return critical
    return f"{critical} Friedman's test: p = {cells.p_value(found.p)} that all tuners are alike."
