from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness import tuner_plot_styles
from harness.analysis import groups
from harness.analysis.tuner_style_lookup import styles
from harness.page import curve_data
from harness.prices import Prices
from harness.reports.numerals import MoneyUnit

if TYPE_CHECKING:
    from tests.analysis.conftest import Made

DOLLARS = MoneyUnit(factor=1.0, label="USD")


def test_a_tuner_looks_as_its_records_say_it_is(made: Made) -> None:
    made.plan("tpe, gestutzt", 1)
    cell = {"tuner": {"tuner": "optuna-tpe", "pruner": "hyperband"}}
    made.search([made.trial(0, 0.5)], "tpe, gestutzt", 2, cell=cell)
    found = styles(groups(made.results()))
    assert found == {"tpe, gestutzt": tuner_plot_styles.of_kind("optuna-tpe", "hyperband")}


def drawn(made: Made, price_list: Prices) -> dict[str, Any]:
    """The curves of the one group that there is, as a browser reads them."""
    (group,) = json.loads(json.dumps(curve_data.document(groups(made.results()), prices=price_list, money=DOLLARS)))
    found: dict[str, Any] = group
    return found


def test_joules_that_no_search_knows_are_told_with_the_reason(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)], energy={"value": None, "reason": "no counter"})
    group = drawn(made, price_list)
    assert group["unknown"] == {"energy_j": "no counter"}
    assert group["tuners"][0]["bands"]["energy_j"] == {"val_score": [], "test_score": []}
    assert group["tuners"][0]["bands"]["wall_s"]["val_score"]


def test_a_device_without_a_price_has_no_curve_over_dollars(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], environment={"device": "Quantum 9"})
    group = drawn(made, price_list)
    assert "Quantum 9" in group["unknown"]["cost_usd"]


def test_a_group_without_any_score_has_neither_curve_nor_target(made: Made, price_list: Prices) -> None:
    made.search([], status="failed", reason="crash")
    group = drawn(made, price_list)
    assert group["target"] is None
    assert group["unknown"] == {}
    assert group["tuners"][0]["lines"]["epochs"] == {"val_score": [], "test_score": []}
