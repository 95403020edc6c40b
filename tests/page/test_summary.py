from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis import groups
from harness.analysis.statistics import comparisons, ranks
from harness.page import summary
from harness.prices import Prices

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def said(made: Made, price_list: Prices) -> str:
    (group,) = groups(made.results())
    return " ".join(summary.sentences(group, prices=price_list))


def test_the_first_to_the_target_is_named_with_how_much_sooner_it_was(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.2), made.trial(1, 0.5 + seed / 100)], "kt-random", seed)
        made.search([made.trial(0, 0.6)], "optuna-tpe", seed, kind="optuna-tpe")
    text = said(made, price_list)
    target = "validation F1 0.510, the median of 3 random searches,"
    assert f"On animals with mobile, optuna-tpe reached {target} in an expected 4.00 s" in text
    assert "times faster than random search [" in text
    assert "3 of its 3 searches got there." in text


def test_few_seeds_prove_nothing(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=1)
    assert "With 1 seed nothing is proven; 10 or more are needed." in said(made, price_list)


def test_ten_seeds_are_enough_to_say_so_without_a_warning(made: Made, price_list: Prices) -> None:
    for seed in range(10):
        made.search([made.trial(0, 0.5 + seed / 100)], "kt-random", seed)
        made.search([made.trial(0, 0.7 + seed / 90)], "optuna-tpe", seed, kind="optuna-tpe")
    text = said(made, price_list)
    assert "nothing is proven" not in text
    assert "optuna-tpe differs from random search on the same seeds by +0.2" in text


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (3, "Of 2 such intervals more than one in twenty leave out zero by chance alone: over fewer than 10 seeds"),
        (10, "Of 2 such intervals one in twenty leaves out zero by chance alone."),
    ],
)
def test_how_often_chance_makes_a_difference_depends_on_the_seeds(
    made: Made, price_list: Prices, seeds: int, words: str
) -> None:
    for seed in range(seeds):
        made.search([made.trial(0, 0.5)], "kt-random", seed)
        for tuner in ("optuna-tpe", "optuna-gp"):
            made.search([made.trial(0, 0.7)], tuner, seed, kind=tuner)
    assert words in said(made, price_list)


def test_no_difference_beyond_chance_is_said(made: Made, price_list: Prices) -> None:
    for seed in range(4):
        made.search([made.trial(0, 0.5 + seed / 100)], "kt-random", seed)
        made.search([made.trial(0, 0.5 + (3 - seed) / 100)], "optuna-tpe", seed, kind="optuna-tpe")
    assert "includes zero" in said(made, price_list)


def test_thinking_is_told_where_it_is_much_and_bounded_where_it_is_not(made: Made, price_list: Prices) -> None:
    quick = {"ask": 0.1, "train": 50.0, "evaluate": 10.0, "tell": 0.1}
    made.search([made.trial(0, 0.5, phases=quick)], "kt-random", 1)
    assert "No tuner spent more than 0.7 % of its time thinking." in said(made, price_list)
    slow = {"ask": 90.0, "train": 8.0, "evaluate": 2.0, "tell": 0.0}
    made.search([made.trial(0, 0.5, phases=slow)], "kt-bayesian", 1, kind="kt-bayesian")
    assert "kt-bayesian spent 90 % of its time thinking." in said(made, price_list)


def test_tuning_that_loses_is_counted(made: Made, price_list: Prices) -> None:
    for seed, f1 in enumerate((0.4, 0.6, 0.3)):
        made.search([made.trial(0, 0.5)], "default", seed, kind="default")
        made.search([made.trial(0, f1)], "kt-random", seed)
    assert "2 of 3 tuned searches ended below the untuned default on the test images." in said(made, price_list)


def test_failed_and_missing_searches_are_counted(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=1)
    made.search([], seed=2, status="failed", reason="crash")
    made.plan(seed=3)
    text = said(made, price_list)
    assert "1 of 3 searches failed;" in text
    assert "1 of 3 searches is missing;" in text


def test_where_nothing_ended_well_nothing_is_claimed(made: Made, price_list: Prices) -> None:
    made.search([], seed=2, status="failed", reason="crash")
    assert said(made, price_list).startswith("On animals with mobile, no search has ended well")


def test_searches_without_any_score_have_no_target(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0)], seed=1)
    assert "no search has a score" in said(made, price_list)


def test_without_random_search_no_comparison_with_it_is_made(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "Füchse", 1, kind="optuna-tpe")
    text = said(made, price_list)
    target = "validation F1 0.500, the median of all 1 search,"
    assert f"Füchse reached {target} in an expected 4.00 search s. 1 of its 1 search got there." in text
    assert "random search" not in text


def test_all_groups_together_are_ranked_and_tested(made: Made) -> None:
    for seed in range(12):
        made.search([made.trial(0, 0.5 + seed / 100)], "kt-random", seed)
        made.search([made.trial(0, 0.7 + seed / 90)], "optuna-tpe", seed, kind="optuna-tpe")
    found = groups(made.results())
    text = " ".join(summary.overall(ranks(found), comparisons(found), score="F1"))
    assert "the best of 2 tuners is optuna-tpe (1.00), the worst kt-random (2.00)." in text
    assert "0 wins, 12 losses, 0 ties" in text


def test_one_tuner_has_no_rank(made: Made) -> None:
    made.search([made.trial(0, 0.5)])
    found = groups(made.results())
    assert summary.overall(ranks(found), comparisons(found), score="F1") == []


def test_nothing_planned_is_said(made: Made) -> None:
    assert summary.ended([]) == "no search was planned"
    made.plan()
    assert summary.ended(made.results().searches) == "1 search: 1 missing"


def test_tuners_of_the_same_mean_rank_are_named_together(made: Made) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.9)], "kt-random", seed)
        for tuner in ("optuna-tpe", "optuna-gp"):
            made.search([made.trial(0, 0.5)], tuner, seed, kind=tuner)
    found = groups(made.results())

    (first, *_) = summary.overall(ranks(found), comparisons(found), score="F1")

    assert first.endswith("the best of 3 tuners is kt-random (1.00), the worst optuna-tpe and optuna-gp (2.50).")
