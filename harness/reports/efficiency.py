"""Scores against compute cost: one row for each data set, backbone, hyperparameter set and tuner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis import Group, Interval, MatrixResults, Row, SearchResult, Status, groups, mean_usd
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import (
    Estimate,
    Gain,
    Judged,
    Reaching,
    Verdict,
    is_disturbed,
    judged,
    over_random,
    over_untuned,
    reaching,
    speedup,
)
from harness.carbon import Intensity
from harness.prices import Prices
from harness.reports import (
    mixed_environments,
    numerals,
    replayed_searches,
    score_per_cost_columns,
    table_notes,
    trial_outcomes,
)
from harness.reports.report_types import CsvValue, Report, TableSection

COLUMNS = (
    "dataset",
    "backbone",
    "hyperparameters",
    "tuner",
    "seeds_ok",
    "seeds_failed",
    "seeds_missing",
    "val_score",
    "val_score_low",
    "val_score_high",
    "test_score",
    "test_score_low",
    "test_score_high",
    "wall_s",
    "total_s",
    "device_s",
    "cpu_s",
    "energy_j",
    "cost_usd",
    "co2e_g",
    "thinking_s",
    "epochs",
    "trials",
    "builds",
    "build_s",
    "thinking_share",
    "seeds_unscored",
    "gap_score",
    "test_score_gain_over_random",
    "test_score_gain_over_random_low",
    "test_score_gain_over_random_high",
    "seeds_worse_than_default",
    "seeds_paired_with_default",
    "target_val_score",
    "target_expected_wall_s",
    "target_reached",
    "target_searches",
    "speedup_over_random",
    "speedup_over_random_low",
    "speedup_over_random_high",
    "verdict",
    *score_per_cost_columns.COLUMNS,
    "metric",
)
"""Heads of the spreadsheet, before one ``best_…`` column for each hyperparameter."""

BEST = "Best hyperparameters"
"""How the headings of the tables of best hyperparameters begin."""

ORDER = "Rows stand in the order of the matrix, not by rank; costs are means per search."
"""The note on how rows are sorted."""

EMPTY = "No searches were planned."
"""What stands in the table's place where there is none."""

# Below it, what isn't charged changes no comparison that anyone would make.
_NOTABLE_BUILDS = 0.05


def report(results: MatrixResults, *, prices: Prices, carbon: Intensity) -> Report:
    """Return the table of scores against compute cost, in the order of the matrix."""
    made = judged(results, prices=prices)
    best = _best_columns(made.groups)
    compared = [(group, [_line(group, row, made, prices) for row in group.rows]) for group in made.groups]
    return Report(
        name="efficiency",
        title=f"Test {results.score} against compute cost",
        sections=[section for group, lines in compared for section in _sections(group, lines, prices)],
        notes=beneath(results, prices=prices, carbon=carbon),
        columns=[*COLUMNS, *best],
        rows=[_values(group, line, prices, carbon) for group, lines in compared for line in lines],
        first_notes=_pressing(results, made.groups),
        empty=EMPTY,
    )


def beneath(results: MatrixResults, *, prices: Prices, carbon: Intensity) -> list[str]:
    """Return the notes that stand beneath the whole table."""
    found = groups(results)
    return [*_reading_notes(found, results.score), *_holding_notes(results, found, prices, carbon)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A tuner within its group, and how its searches met the target: worked out once for all that is shown of it."""

    row: Row
    gain: Gain | None
    verdict: Verdict | None
    met: Reaching | None
    speedup: Estimate | None


def _line(group: Group, row: Row, made: Judged, prices: Prices) -> _Line:
    return _Line(
        row=row,
        gain=over_random(group, row),
        verdict=made.against_random(group, row),
        met=reaching(group, row, axis=Axis.WALL_S, prices=prices),
        speedup=speedup(group, row, axis=Axis.WALL_S, prices=prices),
    )


def _sections(group: Group, lines: Sequence[_Line], prices: Prices) -> list[TableSection]:
    """Return the group's readable table and, where a search has found any, that of its best hyperparameters."""
    table = TableSection(
        heading=str(group.name),
        columns=_readable_columns(group.score),
        rows=[_readable(line, prices) for line in lines],
        notes=[_target_note(group), *_row_notes(group, lines)],
    )
    return [table, *_best_section(group)]


def _values(group: Group, line: _Line, prices: Prices, carbon: Intensity) -> dict[str, CsvValue]:
    row = line.row
    share = row.mean_cost(lambda cost: cost.thinking_share)
    return {
        **group.name._asdict(),
        "tuner": row.tuner,
        **{f"seeds_{status.value}": row.count(status) for status in Status},
        **_interval("val_score", row.val_score),
        **_interval("test_score", row.test_score),
        **_costs(row),
        "cost_usd": mean_usd(row.ok, prices),
        "co2e_g": row.mean_cost(lambda cost: carbon.emitted_g(cost.energy_j).value),
        "thinking_share": share,
        "seeds_unscored": row.unscored,
        "gap_score": row.gap_score,
        **_over_random(line),
        **_against_default(group, row),
        **_against_target(line),
        **score_per_cost_columns.values(group, row, prices),
        "metric": group.metric,
        **{f"best_{name}": found.value for name, found in row.best.items()},
    }


def _costs(row: Row) -> dict[str, CsvValue]:
    return {
        "wall_s": row.mean_cost(lambda cost: cost.wall_s),
        "total_s": row.total_s,
        "device_s": row.mean_cost(lambda cost: cost.device_s),
        "cpu_s": row.mean_cost(lambda cost: cost.cpu_s),
        "energy_j": row.mean_cost(lambda cost: cost.energy_j.value),
        "thinking_s": row.mean_cost(lambda cost: cost.thinking_s),
        "epochs": row.mean_cost(lambda cost: cost.epochs),
        "trials": row.mean_cost(lambda cost: cost.trials),
        "builds": row.mean_cost(lambda cost: cost.builds),
        "build_s": row.mean_cost(lambda cost: cost.build_s),
    }


def _over_random(line: _Line) -> dict[str, CsvValue]:
    if line.gain is None:
        return {}
    found = line.gain.estimate
    return {
        "test_score_gain_over_random": found.value,
        "test_score_gain_over_random_low": found.low,
        "test_score_gain_over_random_high": found.high,
        "verdict": None if line.verdict is None else line.verdict.value,
    }


def _against_default(group: Group, row: Row) -> dict[str, CsvValue]:
    gain = over_untuned(group, row)
    return (
        {} if gain is None else {"seeds_worse_than_default": gain.worse, "seeds_paired_with_default": gain.estimate.n}
    )


def _against_target(line: _Line) -> dict[str, CsvValue]:
    found = line.met
    if found is None:
        return {}
    return {
        "target_val_score": found.target.score,
        "target_expected_wall_s": found.expected.value,
        "target_reached": found.reached,
        "target_searches": found.searches,
        **_speedup(line.speedup),
    }


def _speedup(factor: Estimate | None) -> dict[str, CsvValue]:
    if factor is None:
        return {}
    return {
        "speedup_over_random": factor.value,
        "speedup_over_random_low": factor.low,
        "speedup_over_random_high": factor.high,
    }


def _interval(name: str, value: Interval) -> dict[str, CsvValue]:
    return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}


def _readable_columns(score: str) -> list[str]:
    return [
        *(
            "tuner",
            "seeds",
            f"val {score}",
            f"test {score}",
            "over random",
            "verdict",
            "search s",
            "total s",
            "device s",
            "USD",
        ),
        *("thinking", "epochs", "to target", "speed-up"),
    ]


def _readable(line: _Line, prices: Prices) -> list[str]:
    row = line.row
    return [
        row.tuner,
        numerals.seeds(*(row.count(status) for status in Status)),
        numerals.score_interval(row.val_score),
        numerals.score_interval(row.test_score),
        numerals.UNKNOWN if line.gain is None else numerals.difference(line.gain.estimate),
        numerals.UNKNOWN if line.verdict is None else numerals.verdict(line.verdict),
        numerals.number(row.mean_cost(lambda cost: cost.wall_s)),
        numerals.number(row.total_s),
        numerals.number(row.mean_cost(lambda cost: cost.device_s)),
        numerals.usd(mean_usd(row.ok, prices)),
        numerals.percent(row.mean_cost(lambda cost: cost.thinking_share)),
        numerals.count(row.mean_cost(lambda cost: cost.epochs)),
        numerals.reached(line.met),
        numerals.times_estimate(line.speedup),
    ]


def _best_columns(found: Sequence[Group]) -> list[str]:
    return [f"best_{name}" for name in dict.fromkeys(n for group in found for row in group.rows for n in row.best)]


def _best_section(group: Group) -> list[TableSection]:
    tuned = {name for row in group.rows for search in row.searches for name in _tuned(search)}
    names = [name for name in dict.fromkeys(name for row in group.rows for name in row.best) if name in tuned]
    if not names:
        return []
    rows = [[row.tuner, *(_best(row, name) for name in names)] for row in group.rows]
    heading = f"{BEST}: {group.name!s}"
    return [TableSection(heading=heading, columns=["tuner", *names], rows=rows)]


def _tuned(search: SearchResult) -> list[str]:
    """Return the hyperparameters that the search's tuner was shown; all that are known where the cell isn't."""
    return [name for name in search.best if name not in search.asked.fixed]


def _best(row: Row, name: str) -> str:
    found = row.best.get(name)
    if found is None:
        return numerals.UNKNOWN
    if isinstance(found.value, str):
        return f"{found.value} ({found.count}/{found.n})"
    return f"{found.value:g}" if isinstance(found.value, int) else f"{found.value:.3g}"


def _target_note(group: Group) -> str:
    goal = group.target
    if goal is None:
        return "Target: none, because no search has a score."
    return f"Target: validation {group.score} of at least {goal.score:.3f}, {goal.of}."


def _row_notes(group: Group, lines: Sequence[_Line]) -> list[str]:
    found = []
    for row in group.rows:
        if row.unscored:
            found.append(
                f"{row.tuner}: {row.unscored} of {len(row.ok)} searches have no score; {group.score} leaves them out."
            )
        scored = len(row.ok) - row.unscored
        if (tested := sum(search.test_score is not None for search in row.ok)) != scored:
            found.append(f"{row.tuner}: {tested} of {scored} incumbents have a test {group.score}.")
        found += _late_builds(row)
    return [*found, *trial_outcomes.lost(group), *_undefined(group, lines)]


def _late_builds(row: Row) -> list[str]:
    """Return a note where the structures that a tuner asked for took a notable time to build."""
    built_s, charged_s = row.mean_cost(lambda cost: cost.late_build_s), row.mean_cost(lambda cost: cost.wall_s)
    if built_s is None or not charged_s or built_s <= _NOTABLE_BUILDS * charged_s:
        return []
    more = (
        f"{numerals.number(built_s)} s more per search, {numerals.percent(built_s / charged_s)} of what it is charged"
    )
    return [f"{row.tuner}: models built during the search took {more}; they are not charged."]


def _undefined(group: Group, lines: Sequence[_Line]) -> list[str]:
    if group.target is None:
        return []
    others = [line for line in lines if line.row.ok and not line.row.is_random and _is_undefined(line.speedup)]
    if not others:
        return []
    if group.random is None:
        return ["No speed-up: there is no random search to compare with."]
    by_reason: dict[str, list[str]] = {}
    for line in others:
        by_reason.setdefault(_why_none(group, line), []).append(line.row.tuner)
    return [f"No speed-up for {', '.join(tuners)}: {reason}." for reason, tuners in by_reason.items()]


def _why_none(group: Group, line: _Line) -> str:
    if is_disturbed(group, line.row):
        return "seconds are not to be trusted, as the machine was busy"
    if line.met is not None and not line.met.mostly:
        return "half of the searches or more missed the target"
    return "a cost is unknown, or neither met the target on a seed of both"


def _is_undefined(factor: Estimate | None) -> bool:
    return factor is None or factor.value is None


def _reading_notes(found: Sequence[Group], score: str) -> list[str]:
    if not found:
        return []
    return [
        ORDER,
        "Search s: what a search is charged for; total s: its whole process, start-up, data and audit included.",
        "After ± stands half a 95 % t interval over seeds.",
        f"Over random: test {score} minus that of random search on the same seed, so that hard and easy splits cancel.",
        f"Selection is by validation {score}; test images are seen by no tuner.",
        "To target: expected search seconds until it is met if one starts again after each miss, and how many met it.",
        "Speed-up: these seconds of random search over the tuner's, with a 95 % interval; no claim that it is faster.",
        "Verdict: against random search, corrected for all that is claimed; a dash: no difference is shown.",
        *table_notes.few_seeds(found),
        *replayed_searches.notes(found),
    ]


def _pressing(results: MatrixResults, found: Sequence[Group]) -> list[str]:
    return [
        *table_notes.left_out(results, results.searches),
        *table_notes.disturbed(results.searches),
        *mixed_environments.unlike(found),
        *table_notes.few_seeds(found),
        *replayed_searches.notes(found),
    ]


def _holding_notes(results: MatrixResults, found: Sequence[Group], prices: Prices, carbon: Intensity) -> list[str]:
    return [
        *table_notes.data(results),
        *table_notes.left_out(results, results.searches),
        *table_notes.disturbed(results.searches),
        *mixed_environments.unlike(found),
        *table_notes.unknown_energy(results.searches),
        *table_notes.emissions(results.searches, carbon),
        *table_notes.energy_covers(results.searches),
        *table_notes.pricing(results.searches, prices),
        *table_notes.holds_for(results.searches),
    ]
