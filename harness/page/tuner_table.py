"""The page's first table: the score against compute cost, a row for each tuner of each group."""

from __future__ import annotations

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
from harness.page import markup
from harness.page.markup import TableColumn, Value
from harness.prices import Prices
from harness.reports import numerals

NAMES = (("tuner", "tuner"), ("dataset", "data set"), ("backbone", "backbone"), ("hyperparameters", "hyperparameters"))
"""What a search is told apart by: the attributes that filters read, and what readers call them."""


UNKNOWN = Value(text=numerals.UNKNOWN)

_ORDER = {Verdict.BETTER: 1.0, Verdict.OPEN: 0.0, Verdict.WORSE: -1.0}


def table(made: Judged, *, prices: Prices, score: str) -> str:
    """Return the table in the order of the matrix; numbers are written as in the Markdown tables.

    ``score`` is what the score is called, as ``macro-F1``.
    """
    groups = made.groups
    telling = varying([named(group, row) for group in groups for row in group.rows])
    columns = [*heads(telling), *(TableColumn(label=label) for label in _measures(score))]
    rows = [_row(group, row, telling, made, prices) for group in groups for row in group.rows]
    return markup.table("tuners-table", label=f"Test {score} against compute cost", columns=columns, rows=rows)


def named(group: Group, row: Row) -> dict[str, str]:
    """Return what filters know a row by."""
    return {**group.name._asdict(), "tuner": row.tuner}


def varying(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return which names tell rows apart; the tuner's always does, one that is the same everywhere needs no column."""
    return [name for name, _ in NAMES if name == "tuner" or len({row[name] for row in rows}) > 1]


def heads(telling: Sequence[str]) -> list[TableColumn]:
    """Return the columns of these names."""
    return [TableColumn(label=label, numeric=False) for name, label in NAMES if name in telling]


def _measures(score: str) -> tuple[str, ...]:
    return (
        *(
            "seeds",
            f"val {score}",
            f"test {score}",
            "over random",
            "verdict",
            "search s",
            "total s",
            "device s",
            "joules",
        ),
        *("USD", "thinking", "epochs", "to target", "speed-up"),
    )


def _row(group: Group, row: Row, telling: Sequence[str], made: Judged, prices: Prices) -> markup.TableRow:
    names = named(group, row)
    return markup.TableRow(cells=[*(names[name] for name in telling), *_measured(group, row, made, prices)], data=names)


def _measured(group: Group, row: Row, made: Judged, prices: Prices) -> list[Value]:
    usd = mean_usd(row.ok, prices)
    return [
        Value(text=numerals.seeds(*(row.count(status) for status in Status)), sort=float(row.count(Status.OK))),
        _interval(row.val_score),
        _interval(row.test_score),
        _gain(over_random(group, row)),
        _verdict(made.against_random(group, row)),
        _number(row.mean_cost(lambda cost: cost.wall_s)),
        _number(row.total_s),
        _number(row.mean_cost(lambda cost: cost.device_s)),
        _number(row.mean_cost(lambda cost: cost.energy_j.value)),
        Value(text=numerals.usd(usd), sort=usd),
        Value(text=numerals.percent(share := row.mean_cost(lambda cost: cost.thinking_share)), sort=share),
        Value(text=numerals.count(epochs := row.mean_cost(lambda cost: cost.epochs)), sort=epochs),
        _reached(reaching(group, row, axis=Axis.WALL_S, prices=prices)),
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
