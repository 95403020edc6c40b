from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import prices
from harness.analysis.cost_axes import Axis, Score, costs, spent

if TYPE_CHECKING:
    from harness.analysis import SearchResult
    from tests.analysis.conftest import Made

PRICES = prices.load()


def _search(made: Made) -> SearchResult:
    made.search([made.trial(0, 0.2, 0.4), made.trial(1, 0.6)])
    return made.results().searches[0]


def test_each_axis_lays_out_the_same_incumbents(made: Made) -> None:
    search = _search(made)
    assert costs(search, axis=Axis.EPOCHS, prices=PRICES) == (1, 2, 3)
    assert costs(search, axis=Axis.WALL_S, prices=PRICES) == (4.0, 7.0, 11.5)
    assert costs(search, axis=Axis.DEVICE_S, prices=PRICES) == (3.0, 6.0, 9.0)


def test_dollars_are_wall_seconds_at_the_devices_price(made: Made) -> None:
    search = _search(made)
    per_hour = PRICES.per_hour(search.environment).value
    assert per_hour is not None
    found = costs(search, axis=Axis.COST_USD, prices=PRICES)
    assert found == pytest.approx([wall_s / 3600 * per_hour for wall_s in (4.0, 7.0, 11.5)])


def test_a_device_without_a_price_has_no_dollars(made: Made) -> None:
    made.search([made.trial(0, 0.2)], environment={"device": "Fake GPU"})
    search = made.results().searches[0]
    assert costs(search, axis=Axis.COST_USD, prices=PRICES) is None
    assert spent(search, axis=Axis.COST_USD, prices=PRICES).value is None


def test_a_trials_joules_are_spread_over_its_seconds(made: Made) -> None:
    # Trial 0 spends 7.5 s on the clock and 5 J; its epochs end at 4 and 7 s.
    found = costs(_search(made), axis=Axis.ENERGY_J, prices=PRICES)
    assert found == pytest.approx([5 * 4 / 7.5, 5 * 7 / 7.5, 5 + 5 * 4 / 4.5])


def test_joules_are_unknown_from_the_first_unknown_trial_on(made: Made) -> None:
    made.search([made.trial(0, 0.2), made.trial(1, 0.4, energy_j=None), made.trial(2, 0.6)])
    search = made.results().searches[0]
    assert [step.energy_j is None for step in search.curve] == [False, True, True]
    assert costs(search, axis=Axis.ENERGY_J, prices=PRICES) is None
    assert spent(search, axis=Axis.ENERGY_J, prices=PRICES).value is None


def test_what_a_search_spent_is_never_less_than_its_last_incumbents_cost(made: Made) -> None:
    search = _search(made)
    for axis in Axis:
        total, found = spent(search, axis=axis, prices=PRICES).value, costs(search, axis=axis, prices=PRICES)
        assert total is not None
        assert found is not None
        assert total >= found[-1]


def test_the_audit_is_on_no_axis(made: Made) -> None:
    longer = made.trial(0, 0.2, phases={"ask": 1.0, "train": 2.0, "evaluate": 1.0, "tell": 0.5, "audit": 1e6})
    made.search([made.trial(0, 0.2), made.trial(1, 0.4)])
    made.search([longer, made.trial(1, 0.4)], seed=1)
    short, long = made.results().searches
    for axis in Axis:
        assert costs(long, axis=axis, prices=PRICES) == costs(short, axis=axis, prices=PRICES)


def test_a_missing_search_spent_nothing_that_is_known(made: Made) -> None:
    made.plan()
    found = spent(made.results().searches[0], axis=Axis.WALL_S, prices=PRICES)
    assert (found.value, found.reason) == (None, "not run yet")


def test_a_score_that_was_not_recorded_is_unknown(made: Made) -> None:
    trial = made.trial(0, 0.3)
    made.search([replace(trial, epochs=(replace(trial.epochs[0], test_score=None),))])
    step = made.results().searches[0].curve[0]
    assert (Score.VALIDATION.of(step), Score.TEST.of(step)) == (0.3, None)
