"""The page's first table: the score against compute cost, a row for each tuner of each group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.analysis import Group, Interval, Row, Status, mean_usd
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import (
    Estimate,
    Gain,
    Judged,
    Reaching,
    Verdict,
    over_random,
    reaching,
    speedup,
)
from harness.page import markup, tuner_marks
from harness.page.markup import TableColumn, Value
from harness.prices import Prices
from harness.reports import numerals
from harness.reports.numerals import MoneyUnit
from harness.tuner_plot_styles import Style

NAMES = (("tuner", "tuner"), ("dataset", "data set"), ("backbone", "backbone"), ("hyperparameters", "hyperparameters"))
"""What a search is told apart by: the attributes that filters read, and what readers call them."""


UNKNOWN = Value(text=numerals.UNKNOWN)

_ORDER = {Verdict.BETTER: 1.0, Verdict.OPEN: 0.0, Verdict.WORSE: -1.0}


def table(made: Judged, looks: Mapping[str, Style], *, prices: Prices, score: str) -> str:
    """Return the table, group by group: first the baselines, then the largest gain; written as in the other tables.

    ``score`` is what the score is called, as ``macro-F1``.
    """
    groups = made.groups
    telling = varying([named(group, row) for group in groups for row in group.rows])
    money = money_of(groups, prices)
    columns = [*heads(telling), *_measures(score, money)]
    rows = [
        _row(group, row, telling, made, mark=tuner_marks.swatch_of(row.tuner, looks), money=money)
        for group in groups
        for row in _by_gain(group)
    ]
    return markup.table("tuners-table", label=f"Test {score} against compute cost", columns=columns, rows=rows)


def money_of(groups: Sequence[Group], prices: Prices) -> MoneyUnit:
    """Return what all dollars of the page are told in."""
    return MoneyUnit.for_all(mean_usd(row.ok, prices) for group in groups for row in group.rows)


def _by_gain(group: Group) -> list[Row]:
    plain = [row for row in group.rows if row.is_random or row.is_untuned]
    others = [row for row in group.rows if row not in plain]
    return plain + sorted(others, key=lambda row: -_gained(group, row))


def _gained(group: Group, row: Row) -> float:
    found = over_random(group, row)
    value = row.test_score.mean if found is None else found.estimate.value
    return -math.inf if value is None else value


def named(group: Group, row: Row) -> dict[str, str]:
    """Return what filters know a row by."""
    return {**group.name._asdict(), "tuner": row.tuner}


def varying(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return which names tell rows apart; the tuner's always does, one that is the same everywhere needs no column."""
    return [name for name, _ in NAMES if name == "tuner" or len({row[name] for row in rows}) > 1]


def heads(telling: Sequence[str]) -> list[TableColumn]:
    """Return the columns of these names."""
    return [TableColumn(label=label, numeric=False) for name, label in NAMES if name in telling]


def _measures(score: str, money: MoneyUnit) -> list[TableColumn]:
    shown = (f"test {score}", "over random", "verdict", "search s", "to target")
    more = ("seeds", f"val {score}", "total s", "device s", "joules", money.label, "thinking", "epochs", "speed-up")
    return [*map(_column, shown), *(TableColumn(label=label, extra=True) for label in more)]


def _column(label: str) -> TableColumn:
    return TableColumn(label=label)


def _row(
    group: Group, row: Row, telling: Sequence[str], made: Judged, *, mark: str, money: MoneyUnit
) -> markup.TableRow:
    names = named(group, row)
    return markup.TableRow(
        cells=[
            *(names[name] for name in telling),
            *_measured(group, row, made),
            *_more(group, row, made.prices, money),
        ],
        data=names,
        mark=mark,
        aside=_kind(row),
    )


def _kind(row: Row) -> str:
    if row.is_random:
        return ' <span class="kind-of">random search</span>'
    return ' <span class="kind-of">no tuning</span>' if row.is_untuned else ""


def _measured(group: Group, row: Row, made: Judged) -> list[Value]:
    return [
        _interval(row.test_score),
        _gain(over_random(group, row)),
        _verdict(made.against_random(group, row)),
        _number(row.mean_cost(lambda cost: cost.wall_s)),
        _reached(reaching(group, row, axis=Axis.WALL_S, prices=made.prices)),
    ]


def _more(group: Group, row: Row, prices: Prices, money: MoneyUnit) -> list[Value]:
    return [
        Value(text=numerals.seeds(*(row.count(status) for status in Status)), sort=float(row.count(Status.OK))),
        _interval(row.val_score),
        _number(row.total_s),
        _number(row.mean_cost(lambda cost: cost.device_s)),
        _number(row.mean_cost(lambda cost: cost.energy_j.value)),
        _number(money.of(mean_usd(row.ok, prices))),
        Value(text=numerals.percent(share := row.mean_cost(lambda cost: cost.thinking_share)), sort=share),
        Value(text=numerals.count(epochs := row.mean_cost(lambda cost: cost.epochs)), sort=epochs),
        _times(speedup(group, row, axis=Axis.WALL_S, prices=prices)),
    ]


def _gain(found: Gain | None) -> Value:
    return UNKNOWN if found is None else Value(text=numerals.difference(found.estimate), sort=found.estimate.value)


def _verdict(found: Verdict | None) -> Value:
    return UNKNOWN if found is None else Value(text=numerals.verdict(found), sort=_ORDER[found])


def _interval(value: Interval) -> Value:
    return Value(text=numerals.score_interval(value), sort=value.mean)


def _number(value: float | None) -> Value:
    return Value(text=numerals.number(value), sort=value)


def _reached(value: Reaching | None) -> Value:
    return Value(text=numerals.reached(value), sort=None if value is None else value.expected.value)


def _times(value: Estimate | None) -> Value:
    return Value(text=numerals.times_estimate(value), sort=None if value is None else value.value)
