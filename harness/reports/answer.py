"""Which tuner should I use? The advice, and how tuners stand against random search at several budgets."""

from __future__ import annotations

from collections.abc import Mapping

from harness.analysis import MatrixResults
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import ALPHA, Answer, Standing, judged
from harness.prices import Prices
from harness.reports import numerals, shared_columns, table_notes, tuner_advice
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.results_folder import GroupName

COLUMNS = (
    *(*GroupName._fields, "axis", "part", "tuner", *shared_columns.estimate_columns("test_score")),
    *shared_columns.estimate_columns("over_random"),
    *("p_better", "p_equivalent", "p_worse", "verdict", "regret_val_score", "probability_of_improvement"),
    *(*shared_columns.estimate_columns("iqm_test_score"), "search_s", "usd", "equivalence", "metric"),
)
"""Heads of the spreadsheet; where data set, backbone and hyperparameters are empty, the row is of all groups."""


def report(results: MatrixResults, *, prices: Prices) -> Report:
    """Return the answer: readable once all is spent, as CSV at every budget."""
    made = judged(results, prices=prices)
    found = made.answer
    scopes = dict.fromkeys(each.group for each in found.standings)
    return Report(
        name="answer",
        title="Which tuner should I use?",
        sections=[_section(found, scope, results.score) for scope in scopes if found.at_end(scope)],
        notes=[
            *tuner_advice.sentences(found, results.score),
            *(_notes(found, results.score) if found.standings else ()),
            *table_notes.beneath(results, made.groups),
        ],
        columns=COLUMNS,
        rows=[{**_values(found, each), "metric": results.metric} for each in found.standings],
        empty="There are no two tuners to compare.",
    )


def _notes(found: Answer, score: str) -> list[str]:
    false_claims = f"{100 * sum(ALPHA.values()):.0f} %"
    return [
        f"Equivalent: a difference of at most {found.rope:g} in {score}, as the matrix declares (`equivalence`).",
        "Better, equivalent, worse: probabilities by the Bayesian signed-rank test, each tuner for itself.",
        f"Verdict: corrected for all that is claimed here; any false claim has a chance of {false_claims} at most.",
        f"Regret: the best validation {score} that any tuner found on the same seed, less the one found; the mean.",
        "Improvement: probability that a search scores higher than one of random search.",
        "IQM: interquartile mean. At ½: in hand after half of what a random search spends.",
    ]


def _section(found: Answer, scope: GroupName | None, score: str) -> TableSection:
    early = {(each.axis, each.part, each.tuner): each for each in found.standings if each.group == scope}
    return TableSection(
        heading="All groups together" if scope is None else str(scope),
        columns=[
            *("tuner", f"test {score}", "over random", "better", "equivalent", "worse", "verdict", "regret"),
            *("improvement", "IQM", "at ½ of the epochs", "at ½ of the seconds", "search s", "USD"),
        ],
        rows=[_readable(each, early) for each in found.at_end(scope)],
    )


def _readable(each: Standing, early: Mapping[tuple[Axis, float, str], Standing]) -> list[str]:
    odds = each.probabilities
    shares = [None, None, None] if odds is None else [odds.better, odds.equivalent, odds.worse]
    halves = [early.get((axis, 0.5, each.tuner)) for axis in (Axis.EPOCHS, Axis.WALL_S)]
    return [
        each.tuner,
        numerals.score_estimate(each.score),
        numerals.UNKNOWN if each.over_random is None else numerals.signed_estimate(each.over_random),
        *(numerals.UNKNOWN if share is None else f"{100 * share:.0f} %" for share in shares),
        numerals.UNKNOWN if each.verdict is None else numerals.verdict(each.verdict),
        numerals.score(each.regret),
        numerals.UNKNOWN if each.improvement is None else f"{100 * each.improvement:.0f} %",
        numerals.score(each.iqm.value),
        *(numerals.UNKNOWN if half is None else numerals.score(half.score.value) for half in halves),
        numerals.number(each.search_s),
        numerals.usd(each.usd),
    ]


def _values(found: Answer, each: Standing) -> Mapping[str, CsvValue]:
    odds = each.probabilities
    return {
        **({} if each.group is None else each.group._asdict()),
        "axis": each.axis.value,
        "part": each.part,
        "tuner": each.tuner,
        **shared_columns.estimate("test_score", each.score),
        **shared_columns.estimate("over_random", each.over_random),
        "p_better": None if odds is None else odds.better,
        "p_equivalent": None if odds is None else odds.equivalent,
        "p_worse": None if odds is None else odds.worse,
        "verdict": None if each.verdict is None else each.verdict.value,
        "regret_val_score": each.regret,
        "probability_of_improvement": each.improvement,
        **shared_columns.estimate("iqm_test_score", each.iqm),
        "search_s": each.search_s,
        "usd": each.usd,
        "equivalence": found.rope,
    }
