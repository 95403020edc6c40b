"""Tuners in order of their mean test score, with what can't be told apart."""

from __future__ import annotations

import string

from harness import text_sanitising
from harness.analysis import MatrixResults
from harness.analysis.statistics import Ranks, judged, ranks
from harness.prices import Prices
from harness.reports import numerals, table_notes
from harness.reports.report_types import Report, TableSection

COLUMNS = (
    *("tuner", "mean_test_score", "average_rank", "alike", "seeds", "groups", "tuners", "differ", "smallest_effect"),
    "metric",
)
"""Heads of the spreadsheet."""

_NOTES = (
    "Means are over seeds and groups; a failed search scores 0.",
    "Alike: tuners that share a letter are not shown to differ, with all pairs of tuners tested together.",
    "Average rank, over groups and seeds (1 is best), depends on which tuners take part, and decides nothing.",
)


def report(results: MatrixResults, *, prices: Prices) -> Report:
    """Return the order of the tuners that all groups share."""
    made = judged(results, prices=prices)
    found = ranks(made.groups, made.verdicts)
    letters = _letters(found)
    return Report(
        name="ranks",
        title=f"Tuners by mean test {results.score}",
        sections=[_section(found, letters, results.score)] if found.tuners else [],
        notes=[*(_NOTES if found.tuners else ()), *found.remarks, *table_notes.beneath(results, made.groups)],
        columns=COLUMNS,
        rows=[
            {
                "tuner": tuner,
                "mean_test_score": mean,
                "average_rank": average,
                "alike": letters[tuner],
                "seeds": found.seeds,
                "groups": found.groups,
                "tuners": len(found.tuners),
                "differ": int(found.differ),
                "smallest_effect": found.smallest_effect,
                "metric": results.metric,
            }
            for tuner, mean, average in _rows(found)
        ],
        empty="No ranks.",
    )


def _rows(found: Ranks) -> list[tuple[str, float, float]]:
    return list(zip(found.tuners, found.means, found.average, strict=True))


def _section(found: Ranks, letters: dict[str, str], score: str) -> TableSection:
    return TableSection(
        heading=f"{text_sanitising.counted(len(found.tuners), 'tuner')}, "
        f"{text_sanitising.counted(found.seeds, 'seed')}, {text_sanitising.counted(found.groups, 'group')}",
        columns=["tuner", f"mean test {score}", "average rank", "alike"],
        rows=[[tuner, numerals.score(mean), f"{average:.2f}", letters[tuner]] for tuner, mean, average in _rows(found)],
        notes=[_said(found)],
    )


def _letters(found: Ranks) -> dict[str, str]:
    cliques = list(zip(string.ascii_letters, found.cliques, strict=False))
    shared = {name: "".join(letter for letter, clique in cliques if name in clique) for name in found.tuners}
    return {name: letters or numerals.UNKNOWN for name, letters in shared.items()}


def _said(found: Ranks) -> str:
    effect = "" if found.smallest_effect is None else f"{found.smallest_effect:.3f}"
    reach = f"So many seeds would have shown a difference of {effect} four times in five." if effect else ""
    said = "Some tuners differ." if found.differ else "No two tuners are shown to differ."
    return f"{said} {reach}".strip()
