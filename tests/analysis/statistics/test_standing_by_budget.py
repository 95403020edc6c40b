from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from harness import analysis
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import judged
from harness.analysis.statistics.complete_blocks import Seeds
from harness.analysis.statistics.standing_by_budget import ByThen, best_of, budgets, by_then

if TYPE_CHECKING:
    from harness.prices import Prices
    from tests.analysis.conftest import Made


def _seeds(*values: tuple[float, ...]) -> Seeds:
    names = tuple("abcdef"[: len(values[0])])
    single = tuple(tuple((value,) for value in row) for row in values)
    return Seeds(tuners=names, seeds=tuple(range(len(values))), groups=1, values=values, searches=single, remarks=())


def _slow_and_fast(made: Made) -> None:
    """Random search has its best at the first epoch, tpe a better one at the third."""
    for seed in range(3):
        made.search([made.trial(0, 0.6 + seed / 100, 0.5, 0.5)], "random", seed)
        made.search([made.trial(0, 0.5 + seed / 90, 0.5, 0.8)], "tpe", seed, kind="optuna-tpe")


def _at(made: Made, budget: float, price_list: Prices, axis: Axis = Axis.EPOCHS) -> dict[str, ByThen]:
    found = analysis.groups(made.results())
    rows = by_then(found, axis=axis, budget=budget, yardstick="random", prices=price_list)
    return {row.tuner: row for row in rows}


def _gain(row: ByThen) -> float:
    assert row.gain is not None
    assert row.gain.value is not None
    return row.gain.value


def test_who_is_ahead_depends_on_what_may_be_spent(made: Made, price_list: Prices) -> None:
    _slow_and_fast(made)
    assert _gain(_at(made, 2, price_list)["tpe"]) == pytest.approx(-0.1, abs=0.02)
    assert _gain(_at(made, 3, price_list)["tpe"]) == pytest.approx(0.19, abs=0.02)
    early, late = _at(made, 2, price_list), _at(made, 3, price_list)
    assert early["random"].best is not None
    assert early["random"].best > 0.9
    assert late["tpe"].best is not None
    assert late["tpe"].best > 0.9


def test_whole_searches_stand_as_the_answer_has_them(made: Made, price_list: Prices) -> None:
    _slow_and_fast(made)
    made.search([], "tpe", 3, kind="optuna-tpe", status="failed", reason="boom")
    made.search([made.trial(0, 0.7)], "random", 3)
    answer = judged(made.results(), prices=price_list).answer
    rows = _at(made, math.inf, price_list)
    for standing in answer.at_end(None):
        assert rows[standing.tuner].gain == standing.over_random
        assert rows[standing.tuner].spent == pytest.approx(6.0 if standing.tuner == "random" else 3.0, abs=4)


def test_before_its_first_model_a_tuner_has_neither_gain_nor_chance(made: Made, price_list: Prices) -> None:
    _slow_and_fast(made)
    rows = _at(made, 2.0, price_list, Axis.WALL_S)
    assert all((row.gain, row.best, row.no_model) == (None, None, True) for row in rows.values())


def test_a_tuner_with_a_failed_search_has_a_gain_and_no_chance(made: Made, price_list: Prices) -> None:
    _slow_and_fast(made)
    made.search([made.trial(0, 0.7)], "random", 3)
    made.search([], "tpe", 3, kind="optuna-tpe", status="failed", reason="boom")
    row = _at(made, math.inf, price_list)["tpe"]
    assert row.best is None
    assert _gain(row) < 0


def test_what_is_spent_by_then_is_no_more_than_the_budget(made: Made, price_list: Prices) -> None:
    _slow_and_fast(made)
    assert [_at(made, budget, price_list)["tpe"].spent for budget in (2.0, 10.0, math.inf)] == [2.0, 3.0, 3.0]


def test_budgets_are_round_numbers_between_the_first_model_and_the_end(made: Made, price_list: Prices) -> None:
    _slow_and_fast(made)
    found = analysis.groups(made.results())
    assert budgets(found, axis=Axis.EPOCHS, prices=price_list) == (1.0, 2.0)
    assert budgets(found, axis=Axis.WALL_S, prices=price_list) == (5.0, 7.0, 10.0)


def test_where_no_search_ended_there_is_no_budget_and_nobody_stands_anywhere(made: Made, price_list: Prices) -> None:
    made.plan()
    found = analysis.groups(made.results())
    assert budgets(found, axis=Axis.WALL_S, prices=price_list) == ()
    assert _at(made, math.inf, price_list) == {}


def test_chances_sum_to_one_and_grow_with_the_gain() -> None:
    found = best_of(_seeds((0.50, 0.51, 0.56), (0.60, 0.62, 0.65), (0.55, 0.54, 0.60)))
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["a"] < found["b"] < found["c"]
    assert found["c"] > 0.8


def test_equals_share_their_chances() -> None:
    assert best_of(_seeds((0.5, 0.5), (0.6, 0.6))) == {"a": 0.5, "b": 0.5}


def test_a_tuner_that_scatters_more_is_less_sure_to_be_best() -> None:
    steady = best_of(_seeds((0.5, 0.54, 0.5), (0.6, 0.645, 0.6), (0.55, 0.59, 0.551)))
    wild = best_of(_seeds((0.5, 0.44, 0.5), (0.6, 0.745, 0.6), (0.55, 0.59, 0.551)))
    assert wild["b"] < steady["b"]


@pytest.mark.parametrize("values", [((0.5,), (0.6,)), ((0.5, 0.6),)])
def test_one_tuner_or_one_seed_gives_no_chances(values: tuple[tuple[float, ...], ...]) -> None:
    assert best_of(_seeds(*values)) == {}
