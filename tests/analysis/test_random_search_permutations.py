from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness import prices
from harness.analysis.cost_axes import Axis, Score
from harness.analysis.random_search_permutations import MOST_POINTS, ORDERS, Orders, orders
from harness.analysis.statistics.anytime_bands import line
from harness.search_types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.search_types import Trial
    from tests.analysis.conftest import Made

# A mean over the drawn orders is this many of its standard errors from the mean over all orders, at most.
FAR = 4 / math.sqrt(ORDERS)


def _orders(
    made: Made,
    trials: Sequence[Trial],
    axis: Axis = Axis.EPOCHS,
    score: Score = Score.VALIDATION,
    kind: str = "kt-random",
) -> Orders | None:
    made.planned.clear()
    made.search(trials, id=f"{len(list(made.folder.path.glob('cells/*'))):016x}", kind=kind)
    (search,) = made.results().searches
    return orders(search, axis=axis, score=score, prices=prices.load())


def _known(found: Orders | None) -> Orders:
    assert found is not None
    return found


def _three(made: Made) -> list[Trial]:
    return [made.trial(0, 0.2, 0.5), made.trial(1, 0.6), made.trial(2, 0.1, 0.3, 0.7)]


def _by_hand(trials: Sequence[Trial], cost: float) -> float:
    """The incumbent's validation score after so many epochs, NaN before the first."""
    epochs = [epoch.val_score for trial in trials for epoch in trial.epochs]
    return max(epochs[: int(cost)], default=math.nan)


@pytest.mark.parametrize("cost", [1, 2, 3, 4, 5, 6, 99])
def test_each_order_is_one_of_all_and_all_of_them_are_drawn(made: Made, cost: int) -> None:
    trials = _three(made)
    found = _known(_orders(made, trials)).at(cost)
    by_hand = [_by_hand(order, cost) for order in itertools.permutations(trials)]
    assert set(found.tolist()) == set(by_hand)
    assert found.mean() == pytest.approx(statistics.fmean(by_hand), abs=FAR * statistics.pstdev(by_hand) + 1e-12)


def test_what_is_spent_until_a_score_is_the_mean_over_all_orders(made: Made) -> None:
    trials = _three(made)
    spent, met = _known(_orders(made, trials)).until(0.6)
    by_hand = [next(n for n in range(1, 7) if _by_hand(o, n) >= 0.6) for o in itertools.permutations(trials)]
    assert spent == pytest.approx(statistics.fmean(by_hand), abs=FAR * statistics.pstdev(by_hand))
    assert met == 1.0


def test_a_score_that_no_order_has_costs_all_that_was_spent(made: Made) -> None:
    assert _known(_orders(made, _three(made))).until(0.8) == (6.0, 0.0)


def test_the_order_of_the_record_changes_no_number(made: Made) -> None:
    trials = _three(made)
    first = _known(_orders(made, trials, axis=Axis.WALL_S))
    for order in itertools.permutations(trials):
        again = [replace(trial, number=number) for number, trial in enumerate(order)]
        found = _known(_orders(made, again, axis=Axis.WALL_S))
        assert found.averaged() == first.averaged()
        assert found.until(0.6) == first.until(0.6)


def test_other_seconds_change_nothing_that_is_counted_in_epochs(made: Made) -> None:
    trials = [made.trial(number, score) for number, score in enumerate((0.2, 0.6, 0.1, 0.7, 0.3))]
    slow_first = [replace(trial, phases={"train": 10.0 - trial.number}) for trial in trials]
    slow_last = [replace(trial, phases={"train": 1.0 + trial.number}) for trial in trials]
    found = [_known(_orders(made, each)) for each in (slow_first, slow_last)]
    assert found[0].at(2).tolist() == found[1].at(2).tolist()


def test_a_trial_that_the_budget_cut_stays_the_last(made: Made) -> None:
    trials = [*_three(made)[:2], made.trial(2, 0.9, outcome=Outcome.CUT)]
    found = _known(_orders(made, trials))
    assert set(found.at(3).tolist()) == {0.6}
    assert set(found.at(4).tolist()) == {0.9}
    assert found.until(0.9) == (4.0, 1.0)


def test_a_diverged_trial_costs_what_it_cost_wherever_it_comes(made: Made) -> None:
    diverged = made.trial(0, outcome=Outcome.DIVERGED, reason="NaN", charged_epochs=3)
    found = _known(_orders(made, [diverged, made.trial(1, 0.5)]))
    assert {tuple(row) for row in found.cost.tolist()} == {(1.0,), (4.0,)}
    assert found.spent == 4.0
    assert np.isnan(found.at(0.5)).all()


def test_an_averaged_curve_begins_where_every_order_has_an_incumbent(made: Made) -> None:
    diverged = made.trial(0, outcome=Outcome.DIVERGED, reason="NaN", charged_epochs=3)
    found = _known(_orders(made, [diverged, made.trial(1, 0.5, 0.7)])).averaged()
    assert found is not None
    cost, mean = found
    # From 4 epochs on: the trial stands at 1 and 2 in one half of the orders, at 4 and 5 in the other.
    assert cost == (4.0, 5.0)
    assert mean[0] == pytest.approx(0.6, abs=FAR * 0.1)
    assert mean[1] == 0.7


def test_a_single_trial_has_one_order(made: Made) -> None:
    found = _known(_orders(made, [made.trial(0, 0.3, 0.1, 0.4)]))
    assert found.averaged() == ((1.0, 3.0), (0.3, 0.4))


def test_test_score_is_that_of_the_incumbent_by_validation(made: Made) -> None:
    lucky = made.trial(0, 0.5)
    lucky = replace(lucky, epochs=(replace(lucky.epochs[0], test_score=0.99),))
    found = _known(_orders(made, [lucky, made.trial(1, 0.6)], score=Score.TEST))
    assert set(found.at(1).tolist()) == {0.99, 0.5}
    assert set(found.at(2).tolist()) == {0.5}


def test_one_unknown_test_score_leaves_the_recorded_order_alone(made: Made) -> None:
    trial = made.trial(0, 0.5)
    trials = [replace(trial, epochs=(replace(trial.epochs[0], test_score=None),)), made.trial(1, 0.6)]
    assert _orders(made, trials, score=Score.TEST) is None
    assert _orders(made, trials, score=Score.VALIDATION) is not None


def test_where_a_test_score_that_never_was_the_incumbent_s_is_unknown_the_curve_is_the_recorded_one(made: Made) -> None:
    late = made.trial(1, 0.4)
    trials = [made.trial(0, 0.5), replace(late, epochs=(replace(late.epochs[0], test_score=None),)), made.trial(2, 0.6)]
    assert _orders(made, trials, score=Score.TEST) is None
    (search,) = made.results().searches
    found = line(search, axis=Axis.EPOCHS, score=Score.TEST, prices=prices.load())
    assert found is not None
    assert (found.cost, found.score) == ((1.0, 3.0), (0.4, 0.5))


def test_unknown_joules_are_no_order_and_dollars_follow_seconds(made: Made) -> None:
    trials = [made.trial(0, 0.5, energy_j=None), made.trial(1, 0.6)]
    assert _orders(made, trials, axis=Axis.ENERGY_J) is None
    seconds, dollars = (_known(_orders(made, trials, axis=axis)) for axis in (Axis.WALL_S, Axis.COST_USD))
    per_hour = prices.load().cpu.usd_per_hour * 2  # type: ignore[union-attr]
    assert dollars.spent == pytest.approx(seconds.spent * per_hour / 3600)


def test_other_tuners_have_the_order_that_they_chose(made: Made) -> None:
    assert _orders(made, _three(made), kind="optuna-tpe") is None


def test_a_failed_one_a_missing_one_and_one_without_a_score_have_none(made: Made) -> None:
    assert _orders(made, [made.trial(0, charged_epochs=1)]) is None
    assert _orders(made, []) is None
    made.planned.clear()
    made.plan(id="f" * 16)
    (missing,) = made.results().searches
    assert orders(missing, axis=Axis.EPOCHS, score=Score.VALIDATION) is None


def test_a_long_curve_is_thinned_and_keeps_its_ends(made: Made) -> None:
    found = _known(_orders(made, [made.trial(n, n / 100) for n in range(90)])).averaged()
    assert found is not None
    cost, mean = found
    assert (len(cost), cost[0], cost[-1], mean[-1]) == (MOST_POINTS, 1.0, 90.0, 0.89)
    assert list(mean) == sorted(mean)


def test_the_mean_of_many_orders_scatters_little_around_that_of_all(made: Made) -> None:
    scores = np.random.default_rng(1).random(12)
    found = _known(_orders(made, [made.trial(n, float(score)) for n, score in enumerate(scores)]))
    ranked = np.sort(scores)
    # The best of 6 of 12 drawn without replacement (order statistics of a finite population).
    chances = [math.comb(place, 5) / math.comb(12, 6) for place in range(12)]
    assert found.at(6).mean() == pytest.approx(float(ranked @ chances), abs=FAR * float(found.at(6).std()))
