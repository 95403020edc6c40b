"""The best configuration of each group: what it is, what found it, and what to expect of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis import Interval, MatrixResults, SearchResult, Status, cost_usd
from harness.analysis.best_configurations import Winner
from harness.prices import Prices
from harness.reports import mixed_environments, numerals, table_notes
from harness.reports.report_types import CsvValue, Report, TableSection
from harness.results_folder import GroupName
from harness.search_types import Value
from harness.text_sanitising import counted

COLUMNS = (
    *(*GroupName._fields, "tuner", "seed", "id", "trial", "epoch", "metric", "val_score", "test_score"),
    *("search_s", "usd", "tuner_test_score", "tuner_test_score_low", "tuner_test_score_high", "tuner_test_score_n"),
    *(f"searches_{status.value}" for status in Status),
)
"""Heads of the frame, before the hyperparameters; from ``tuner`` on empty where no search ended with a score."""

PARAMETER = "params_"
"""What a hyperparameter's head begins with."""


def report(results: MatrixResults, found: Sequence[Winner], *, prices: Prices) -> Report:
    """Return each group's winner, readable and in numbers."""
    searches = [search for winner in found for search in winner.searches]
    names = dict.fromkeys(name for winner in found if winner.search is not None for name in winner.search.best)
    return Report(
        name="best",
        title="The best configurations",
        sections=[_section(winner, prices) for winner in found],
        notes=[
            *([_chosen(results.score)] if any(winner.search is not None for winner in found) else []),
            *table_notes.left_out(results, searches),
            *table_notes.disturbed(search for winner in found if (search := winner.search) is not None),
            *mixed_environments.unlike([winner.group for winner in found]),
            *table_notes.pricing(searches, prices),
            *table_notes.holds_for(searches),
        ],
        columns=[*COLUMNS, *(f"{PARAMETER}{name}" for name in names)],
        rows=[{**values(winner, prices), **_parameters(winner)} for winner in found],
        empty="No searches were planned.",
    )


def values(winner: Winner, prices: Prices) -> dict[str, CsvValue]:
    """Return what is known of a winner, under ``COLUMNS``; its hyperparameters are left out."""
    known: dict[str, CsvValue] = {
        **winner.group.name._asdict(),
        "metric": winner.group.metric,
        **{f"searches_{status.value}": winner.count(status) for status in Status},
    }
    if (search := winner.search) is not None:
        known |= _found(search, prices)
    if winner.row is not None:
        expected = winner.row.test_score
        known |= {
            "tuner_test_score": expected.mean,
            "tuner_test_score_low": expected.low,
            "tuner_test_score_high": expected.high,
            "tuner_test_score_n": expected.n,
        }
    return {column: known.get(column) for column in COLUMNS}


def _found(search: SearchResult, prices: Prices) -> Mapping[str, CsvValue]:
    last, spent = search.curve[-1], search.cost
    return {
        "tuner": search.planned.tuner,
        "seed": search.planned.seed,
        "id": search.planned.id,
        "trial": last.trial,
        "epoch": last.epoch,
        "val_score": last.val_score,
        "test_score": last.test_score,
        "search_s": None if spent is None else spent.wall_s,
        "usd": _usd(search, prices),
    }


def _parameters(winner: Winner) -> dict[str, CsvValue]:
    return {} if winner.search is None else {f"{PARAMETER}{name}": value for name, value in winner.search.best.items()}


def _usd(search: SearchResult, prices: Prices) -> float | None:
    if search.cost is None:
        return None
    return cost_usd(search.cost, environment=search.environment, prices=prices).value


def _section(winner: Winner, prices: Prices) -> TableSection:
    found = winner.search
    return TableSection(
        heading=str(winner.group.name),
        columns=["hyperparameter", "value"],
        rows=[] if found is None else [[name, _shown(value)] for name, value in found.best.items()],
        notes=[_none(winner)] if found is None else _told(winner, found, prices),
    )


def _told(winner: Winner, found: SearchResult, prices: Prices) -> list[str]:
    last, score, tuner = found.curve[-1], winner.group.score, found.planned.tuner
    search_s = numerals.number(None if found.cost is None else found.cost.wall_s)
    by = f"Found by {tuner} on seed {found.planned.seed}, in trial {last.trial}, epoch {last.epoch}"
    scores = numerals.score(last.val_score), numerals.score(last.test_score)
    return [
        f"{by}; the search took {search_s} s and {numerals.usd(_usd(found, prices))} USD.",
        f"Validation {score} {scores[0]}, by which it was chosen; test {score} {scores[1]}.",
        *([] if winner.row is None else [_expected(winner.row.test_score, tuner, score)]),
    ]


def _expected(reached: Interval, tuner: str, score: str) -> str:
    """Say what a tuner's searches reach over seeds, as the winner's own score flatters it."""
    if reached.mean is None:
        return f"What {tuner} reaches over seeds is unknown: none of its searches has a test {score}."
    if reached.low is None or reached.high is None:
        return f"{tuner} has one search with a test {score}, so nothing tells how much of it is luck: run more seeds."
    spread = f"[{numerals.score(reached.low)}, {numerals.score(reached.high)}]"
    return (
        f"Expect of a search by {tuner} a test {score} of {numerals.score(reached.mean)} in the mean, {spread} at 95 % "
        f"(over {reached.n} seeds)."
    )


def _none(winner: Winner) -> str:
    if not winner.searches:
        return "No search of that tuner was planned here."
    ended = {
        "failed": winner.count(Status.FAILED),
        "missing": winner.count(Status.MISSING),
        "ended without a score": winner.count(Status.OK),
    }
    why = ", ".join(f"{count} {word}" for word, count in ended.items() if count)
    return f"No best configuration: of {counted(len(winner.searches), 'search', 'searches')} {why}."


def _chosen(score: str) -> str:
    return (
        f"Chosen by validation {score} alone, the earlier of equals. The best of many is also the luckiest: expect "
        "what its tuner reaches over seeds, not the scores of the winner."
    )


def _shown(value: Value) -> str:
    """Return a value that can be copied into a matrix, to six significant digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
