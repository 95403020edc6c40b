from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from harness.analysis.statistics import judged
from harness.analysis.tuner_style_lookup import styles
from harness.page import forest
from harness.reports.numerals import MoneyUnit

if TYPE_CHECKING:
    from harness.prices import Prices
    from tests.analysis.conftest import Made


DOLLARS = MoneyUnit(factor=1.0, label="USD")


def _drawn(made: Made, price_list: Prices) -> str:
    results = made.results()
    found = judged(results, prices=price_list)
    scopes = forest.scopes(found, prices=price_list)
    return forest.sections(scopes, found, styles(found.groups), score=results.score)


def _searches(made: Made, dataset: str = "animals") -> None:
    for seed in range(4):
        made.search([made.trial(0, 0.5 + seed % 2 / 100)], "random", seed, dataset=dataset)
        made.search([made.trial(0, 0.7 + seed % 3 / 100)], "tpe", seed, kind="optuna-tpe", dataset=dataset)
        made.search([made.trial(0, 0.5 + seed % 3 / 100)], "gp", seed, kind="optuna-gp", dataset=dataset)
        made.search([made.trial(0, 0.4)], "default", seed, kind="default", dataset=dataset)


def test_baselines_stand_first_and_then_the_largest_gain(made: Made, price_list: Prices) -> None:
    _searches(made)
    assert re.findall(r'data-name="(\w+)"', _drawn(made, price_list)) == ["random", "default", "tpe", "gp"]


def test_several_groups_have_a_forest_each_and_one_together(made: Made, price_list: Prices) -> None:
    _searches(made)
    _searches(made, "plants")
    heads = re.findall(r"<h3>(?:<a [^>]*>)?([^<]*)<", _drawn(made, price_list))
    assert heads == ["All groups together", "animals, mobile, lr", "plants, mobile, lr"]


def test_a_verdict_stands_behind_its_gain_and_no_other_word_does(made: Made, price_list: Prices) -> None:
    _searches(made)
    told = re.findall(
        r'</svg><span class="told">([^<]*)</span></td><td class="number chance">', _drawn(made, price_list)
    )
    assert told[0] == "compared with"
    assert [text.rsplit("]", 1)[-1] for text in told[1:]] == [" worse", " better", ""]


def test_a_tuner_without_any_search_has_a_row_that_says_so(made: Made, price_list: Prices) -> None:
    _searches(made)
    for seed in range(4):
        made.plan("optuna-cmaes", seed)
    text = _drawn(made, price_list)
    row = text[text.index('data-name="optuna-cmaes"') :]
    assert "no search to compare" in row


def test_without_random_search_it_is_said_what_to_add(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.7)], "tpe", seed, kind="optuna-tpe")
    assert "Add the tuner <code>kt-random</code>" in _drawn(made, price_list)


def test_where_no_search_has_ended_it_is_said_how_to_get_one(made: Made, price_list: Prices) -> None:
    made.plan("random")
    assert "the matrix has no random search" in _drawn(made, price_list)
    made.search([made.trial(0, 0.7)], "kt-random", 0)
    made.plan("tpe", 1)
    assert "<svg" in _drawn(made, price_list)


def test_each_budget_has_a_row_for_each_tuner_and_the_last_is_the_whole_search(made: Made, price_list: Prices) -> None:
    _searches(made)
    found = judged(made.results(), prices=price_list)
    scopes = forest.scopes(found, prices=price_list)
    document = json.loads(json.dumps(forest.document(scopes, found, money=DOLLARS)))
    for axis in document["axes"].values():
        assert axis["costs"][-1] is None
        assert [len(rows) for rows in axis["rows"]] == [len(axis["costs"])]
        assert set(axis["rows"][0][-1]) == {"random", "tpe", "gp", "default"}
    gain, low, high, best, spent, early = document["axes"]["wall_s"]["rows"][0][-1]["tpe"]
    assert document["low"] < low < gain < high < document["high"]
    assert best > 0.9
    assert (spent, early) == (5.0, 0)
