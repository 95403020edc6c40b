from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import analysis
from harness.analysis.statistics import ValuePerUnit, gain_rate, score_rate
from harness.prices import Prices

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

NONE = ValuePerUnit(per_device_hour=None, per_kwh=None, per_usd=None)


def _rates(made: Made, prices: Prices, tuner: str = "tüner") -> tuple[ValuePerUnit, ValuePerUnit]:
    (group,) = analysis.groups(made.results())
    row = next(row for row in group.rows if row.tuner == tuner)
    return score_rate(row, prices=prices), gain_rate(group, row, prices=prices)


def test_the_score_is_divided_by_hours_kilowatt_hours_and_dollars(made: Made, price_list: Prices) -> None:
    # The test score is 0.4; 3 s on the device, 5 J, 5 s charged on a machine of two logical CPUs.
    made.search([made.trial(0, 0.5)], "tüner")
    score, _ = _rates(made, price_list)
    assert score.per_device_hour == pytest.approx(0.4 / 3 * 3600)
    assert score.per_kwh == pytest.approx(0.4 / 5 * 3.6e6)
    assert score.per_usd == pytest.approx(0.4 / (5 / 3600 * 2 * 0.0504))


def test_the_gain_is_that_over_the_default_on_the_same_seed_for_the_cost_of_these_seeds(
    made: Made, price_list: Prices
) -> None:
    for seed, untuned in ((0, 0.5), (1, 0.7)):
        made.search([made.trial(0, untuned)], "default", seed, kind="default")
        made.search([made.trial(0, 0.8)], "tüner", seed)
    # Dear and good, but nothing to be compared with: neither its score nor its cost counts.
    made.search([made.trial(0, *[0.9] * 20)], "tüner", 2)
    _, gain = _rates(made, price_list)
    assert gain.per_device_hour == pytest.approx((0.3 + 0.1) / 2 / 3 * 3600)
    assert gain.per_kwh == pytest.approx(0.2 / 5 * 3.6e6)


def test_a_loss_is_below_0(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "default", kind="default")
    made.search([made.trial(0, 0.4)], "tüner")
    assert _rates(made, price_list)[1].per_device_hour == pytest.approx(-0.1 / 3 * 3600)


def test_without_a_default_there_is_no_gain_and_none_of_the_default_over_itself(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "tüner", 0)
    assert _rates(made, price_list)[1] == NONE
    made.search([made.trial(0, 0.5)], "default", 1, kind="default")
    assert _rates(made, price_list)[1] == NONE
    assert _rates(made, price_list, "default")[1] == NONE


def test_an_unknown_cost_leaves_its_own_rate_empty_alone(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "tüner", 0, environment={"device": "Abacus"})
    made.search([made.trial(0, 0.5, energy_j=None)], "tüner", 1, environment={"device": "Abacus"})
    score, _ = _rates(made, price_list)
    assert score.per_device_hour is not None
    assert (score.per_kwh, score.per_usd) == (None, None)


def test_what_cost_nothing_has_no_rate(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=0.0)], "tüner")
    assert _rates(made, price_list)[0].per_kwh is None


def test_a_score_of_0_is_a_rate_of_0(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.1)], "tüner")
    assert _rates(made, price_list)[0].per_device_hour == 0.0


def test_searches_without_a_score_or_that_failed_have_no_rate(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0)], "tüner", 0)
    made.search([made.trial(0, 0.5)], "tüner", 1, status="failed", reason="boom")
    made.plan("tüner", 2)
    assert _rates(made, price_list) == (NONE, NONE)
