"""F1 against compute cost: one row for each data set, backbone, hyperparameter set and tuner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis import Group, Interval, Results, Row, Search, Status, cost_usd, groups
from harness.analysis.axes import Axis
from harness.analysis.intervals import mean
from harness.analysis.statistics import Reaching, reaching, speedup
from harness.carbon import Intensity
from harness.prices import Prices
from harness.reports import cells, mixing, notes
from harness.reports.report import CsvValue, Report, Section

COLUMNS = (
    "dataset",
    "backbone",
    "hyperparameters",
    "tuner",
    "seeds_ok",
    "seeds_failed",
    "seeds_missing",
    "val_f1",
    "val_f1_low",
    "val_f1_high",
    "test_f1",
    "test_f1_low",
    "test_f1_high",
    "wall_s",
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
    "gap_f1",
    "test_f1_gain_over_random",
    "test_f1_gain_over_random_low",
    "test_f1_gain_over_random_high",
    "seeds_worse_than_default",
    "seeds_paired_with_default",
    "target_val_f1",
    "target_expected_wall_s",
    "target_reached",
    "target_searches",
    "speedup_over_random",
)
"""Heads of the spreadsheet, before one ``best_…`` column for each hyperparameter."""

BEST = "Best hyperparameters"
"""How the headings of the tables of best hyperparameters begin."""

EMPTY = "No searches were planned."
"""What stands in the table's place where there is none."""

_READABLE = (
    *("tuner", "seeds", "val F1", "test F1", "over random", "wall s", "device s", "USD", "thinking", "epochs"),
    *("to target", "speed-up"),
)

# Below it, what isn't charged changes no comparison that anyone would make.
_NOTABLE_BUILDS = 0.05


def report(results: Results, *, prices: Prices, carbon: Intensity) -> Report:
    """Return the table of F1 against compute cost, in the order of the matrix."""
    found = groups(results)
    best = _best_columns(found)
    compared = [(group, [_line(group, row, prices) for row in group.rows]) for group in found]
    return Report(
        name="efficiency",
        title="F1 against compute cost",
        sections=[section for group, lines in compared for section in _sections(group, lines, prices)],
        notes=beneath(results, prices=prices, carbon=carbon),
        columns=[*COLUMNS, *best],
        rows=[_values(group, line, prices, carbon) for group, lines in compared for line in lines],
        empty=EMPTY,
    )


def beneath(results: Results, *, prices: Prices, carbon: Intensity) -> list[str]:
    """Return the notes that stand beneath the whole table."""
    found = groups(results)
    return [*_reading_notes(found), *_holding_notes(results, found, prices, carbon)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A tuner within its group, and how its searches met the target: worked out once for all that is shown of it."""

    row: Row
    met: Reaching | None
    speedup: float | None


def _line(group: Group, row: Row, prices: Prices) -> _Line:
    factor = speedup(group, row, axis=Axis.WALL_S, prices=prices)
    return _Line(
        row=row,
        met=reaching(group, row, axis=Axis.WALL_S, prices=prices),
        speedup=None if factor is None else factor.value,
    )


def _sections(group: Group, lines: Sequence[_Line], prices: Prices) -> list[Section]:
    """Return the group's readable table and, where a search has found any, that of its best hyperparameters."""
    table = Section(
        heading=str(group.name),
        columns=_READABLE,
        rows=[_readable(group, line, prices) for line in lines],
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
        **_interval("val_f1", row.val_f1),
        **_interval("test_f1", row.test_f1),
        **_costs(row),
        "cost_usd": _usd(row, prices),
        "co2e_g": row.mean_cost(lambda cost: carbon.emitted_g(cost.energy_j).value),
        "thinking_share": share,
        "seeds_unscored": row.unscored,
        "gap_f1": row.gap_f1,
        **_interval("test_f1_gain_over_random", group.gain_over_random(row)),
        **_against_default(group, row),
        **_against_target(line),
        **{f"best_{name}": found.value for name, found in row.best.items()},
    }


def _costs(row: Row) -> dict[str, CsvValue]:
    return {
        "wall_s": row.mean_cost(lambda cost: cost.wall_s),
        "device_s": row.mean_cost(lambda cost: cost.device_s),
        "cpu_s": row.mean_cost(lambda cost: cost.cpu_s),
        "energy_j": row.mean_cost(lambda cost: cost.energy_j.value),
        "thinking_s": row.mean_cost(lambda cost: cost.thinking_s),
        "epochs": row.mean_cost(lambda cost: cost.epochs),
        "trials": row.mean_cost(lambda cost: cost.trials),
        "builds": row.mean_cost(lambda cost: cost.builds),
        "build_s": row.mean_cost(lambda cost: cost.build_s),
    }


def _against_default(group: Group, row: Row) -> dict[str, CsvValue]:
    worse = group.worse_than_untuned(row)
    return {} if worse is None else {"seeds_worse_than_default": worse[0], "seeds_paired_with_default": worse[1]}


def _against_target(line: _Line) -> dict[str, CsvValue]:
    found = line.met
    if found is None:
        return {}
    return {
        "target_val_f1": found.target.f1,
        "target_expected_wall_s": found.expected.value,
        "target_reached": found.reached,
        "target_searches": found.searches,
        "speedup_over_random": line.speedup,
    }


def _interval(name: str, value: Interval) -> dict[str, CsvValue]:
    return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}


def _usd(row: Row, prices: Prices) -> float | None:
    spent = [
        cost_usd(search.cost, environment=search.environment, prices=prices).value
        for search in row.ok
        if search.cost is not None
    ]
    return mean(spent)


def _readable(group: Group, line: _Line, prices: Prices) -> list[str]:
    row = line.row
    return [
        row.tuner,
        cells.seeds(*(row.count(status) for status in Status)),
        cells.f1_interval(row.val_f1),
        cells.f1_interval(row.test_f1),
        cells.difference(group.gain_over_random(row)),
        cells.number(row.mean_cost(lambda cost: cost.wall_s)),
        cells.number(row.mean_cost(lambda cost: cost.device_s)),
        cells.usd(_usd(row, prices)),
        cells.percent(row.mean_cost(lambda cost: cost.thinking_share)),
        cells.count(row.mean_cost(lambda cost: cost.epochs)),
        cells.reached(line.met),
        cells.times(line.speedup),
    ]


def _best_columns(found: Sequence[Group]) -> list[str]:
    return [f"best_{name}" for name in dict.fromkeys(n for group in found for row in group.rows for n in row.best)]


def _best_section(group: Group) -> list[Section]:
    tuned = {name for row in group.rows for search in row.searches for name in _tuned(search)}
    names = [name for name in dict.fromkeys(name for row in group.rows for name in row.best) if name in tuned]
    if not names:
        return []
    rows = [[row.tuner, *(_best(row, name) for name in names)] for row in group.rows]
    heading = f"{BEST}: {group.name!s}"
    return [Section(heading=heading, columns=["tuner", *names], rows=rows)]


def _tuned(search: Search) -> list[str]:
    """Return the hyperparameters that the search's tuner was shown; all that are known where the cell isn't."""
    domains = search.section("domains")
    return [name for name in search.best if domains.get(name, {}).get("kind") != "fixed"]


def _best(row: Row, name: str) -> str:
    found = row.best.get(name)
    if found is None:
        return cells.UNKNOWN
    if isinstance(found.value, str):
        return f"{found.value} ({found.count}/{found.n})"
    return f"{found.value:g}" if isinstance(found.value, int) else f"{found.value:.3g}"


def _target_note(group: Group) -> str:
    goal = group.target
    if goal is None:
        return "Target: none, because no search has a score."
    return f"Target: validation F1 of at least {goal.f1:.3f}, the {goal.of}."


def _row_notes(group: Group, lines: Sequence[_Line]) -> list[str]:
    found = []
    for row in group.rows:
        if row.unscored:
            found.append(f"{row.tuner}: {row.unscored} of {len(row.ok)} searches have no score; F1 leaves them out.")
        if row.val_f1.n != row.test_f1.n:
            found.append(f"{row.tuner}: {row.test_f1.n} of {row.val_f1.n} incumbents have a test F1.")
        worse = group.worse_than_untuned(row)
        if worse is not None and worse[0]:
            found.append(f"{row.tuner}: worse than the default configuration on {worse[0]} of {worse[1]} seeds.")
        found += _late_builds(row)
    return [*found, *_undefined(group, lines)]


def _late_builds(row: Row) -> list[str]:
    """Return a note where the structures that a tuner asked for took a notable time to build."""
    built_s, charged_s = row.mean_cost(lambda cost: cost.late_build_s), row.mean_cost(lambda cost: cost.wall_s)
    if built_s is None or not charged_s or built_s <= _NOTABLE_BUILDS * charged_s:
        return []
    more = f"{cells.number(built_s)} s more per search, {cells.percent(built_s / charged_s)} of what it is charged"
    return [f"{row.tuner}: models built during the search took {more}; they are not charged."]


def _undefined(group: Group, lines: Sequence[_Line]) -> list[str]:
    if group.target is None:
        return []
    others = [line for line in lines if line.row.ok and not line.row.is_random]
    undefined = [line.row.tuner for line in others if line.speedup is None]
    if not undefined:
        return []
    is_compared = any(row.is_random for row in group.rows)
    why = "on the seeds that both have, neither met the target" if is_compared else "no random search"
    return [f"Speed-up undefined for {', '.join(undefined)}: {why}."]


def _reading_notes(found: Sequence[Group]) -> list[str]:
    if not found:
        return []
    return [
        "Rows stand in the order of the matrix, not by rank; costs are means per search.",
        "After ± stands half a 95 % t interval over seeds.",
        "Over random: test F1 minus that of random search on the same seed, so that hard and easy splits cancel.",
        "Selection is by validation F1; test images are seen by no tuner.",
        "To target: expected wall seconds until it is met if one starts again after each miss, and how many met it.",
        "Speed-up: these seconds of random search over the tuner's, on the seeds that both have.",
        *notes.few_seeds(found),
    ]


def _holding_notes(results: Results, found: Sequence[Group], prices: Prices, carbon: Intensity) -> list[str]:
    return [
        *notes.left_out(results, results.searches),
        *notes.disturbed(results.searches),
        *mixing.unlike(found),
        *notes.unknown_energy(results.searches),
        *notes.emissions(results.searches, carbon),
        *notes.energy_covers(results.searches),
        *notes.pricing(results.searches, prices),
        *notes.holds_for(results.searches),
    ]
