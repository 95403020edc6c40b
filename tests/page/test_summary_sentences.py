from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import Judged, judged, speedup
from harness.page import summary_sentences
from harness.prices import Prices

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _judged(made: Made, price_list: Prices) -> Judged:
    return judged(made.results(), prices=price_list)


def said(made: Made, price_list: Prices) -> str:
    found = _judged(made, price_list)
    (group,) = found.groups
    return " ".join(summary_sentences.sentences(group, found, prices=price_list))


def overall(made: Made, price_list: Prices) -> list[str]:
    return summary_sentences.overall(_judged(made, price_list), score="F1")


def _ten_clear_seeds(made: Made, kind: str = "optuna-tpe") -> None:
    for seed in range(10):
        made.search([made.trial(0, 0.2, 0.5 + seed / 100), made.trial(1, 0.4, 0.3)], "kt-random", seed)
        made.search([made.trial(0, 0.7 + seed / 90), made.trial(1, 0.6)], "clever", seed, kind=kind)


def _alike(made: Made, seeds: int = 4) -> None:
    for seed in range(seeds):
        made.search([made.trial(0, 0.5 + seed / 100)], "kt-random", seed)
        made.search([made.trial(0, 0.5 + (seeds - 1 - seed) / 100)], "optuna-tpe", seed, kind="optuna-tpe")


def test_how_many_searches_of_each_tuner_reached_the_target_is_counted(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.2), made.trial(1, 0.5)], "kt-random", seed)
        made.search([made.trial(0, 0.6 if seed else 0.1)], "optuna-tpe", seed, kind="optuna-tpe")
    text = said(made, price_list)
    assert text.startswith("On animals with mobile, so many searches reached validation F1 0.3")
    assert "what 3 random searches have on average after half of their epochs: kt-random 3 of 3" in text
    assert "optuna-tpe 2 of 3." in text


def test_a_tuner_that_is_shown_to_be_sooner_is_named_without_a_number_that_no_verdict_is_on(
    made: Made, price_list: Prices
) -> None:
    _ten_clear_seeds(made)
    text = said(made, price_list)
    assert "clever has a good model sooner than kt-random, as the area under its curve shows." in text
    assert "×" not in text


def test_a_speed_up_that_no_verdict_stands_behind_is_not_named(made: Made, price_list: Prices) -> None:
    # The largest of many such numbers is what chance made of it.
    for seed in range(3):
        made.search([made.trial(0, 0.1, 0.5, 0.1, 0.5 + seed / 10)], "kt-random", seed)
        made.search([made.trial(0, 0.9 if seed else 0.2)], "optuna-tpe", seed, kind="optuna-tpe")
    found = _judged(made, price_list)
    (group,) = found.groups
    factor = speedup(group, group.rows[1], axis=Axis.WALL_S, prices=price_list)
    assert factor is not None
    assert factor.value is not None
    assert factor.value > 1.5
    text = said(made, price_list)
    assert "sooner" not in text
    assert "×" not in text


def test_few_seeds_are_said_to_show_little(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=1)
    assert "With 1 seed only large differences can show; 10 or more are better." in said(made, price_list)


def test_ten_seeds_are_enough_to_say_so_without_a_warning(made: Made, price_list: Prices) -> None:
    _ten_clear_seeds(made)
    text = said(made, price_list)
    assert "only large differences" not in text
    assert "clever is better than kt-random on the same seeds by +0.2" in text


def test_a_tuner_that_is_worse_is_named_so(made: Made, price_list: Prices) -> None:
    for seed in range(10):
        made.search([made.trial(0, 0.7 + seed / 100)], "kt-random", seed)
        made.search([made.trial(0, 0.4 + seed / 90)], "Füchse", seed, kind="optuna-tpe")
    assert "Füchse is worse than kt-random on the same seeds by −0.2" in said(made, price_list)


def test_no_difference_beyond_chance_is_said(made: Made, price_list: Prices) -> None:
    _alike(made)
    assert "No tuner is shown to be better or worse than kt-random in test F1." in said(made, price_list)


def test_with_one_seed_neither_a_difference_nor_none_is_claimed(made: Made, price_list: Prices) -> None:
    _alike(made, seeds=1)
    text = said(made, price_list)
    assert "better" not in text.replace("10 or more are better", "")
    assert "shown" not in text


def test_thinking_is_told_where_it_is_much_and_bounded_where_it_is_not(made: Made, price_list: Prices) -> None:
    quick = {"ask": 0.1, "train": 50.0, "evaluate": 10.0, "tell": 0.1}
    made.search([made.trial(0, 0.5, phases=quick)], "kt-random", 1)
    assert "No tuner spent more than 0.7 % of its time thinking." in said(made, price_list)
    slow = {"ask": 90.0, "train": 8.0, "evaluate": 2.0, "tell": 0.0}
    made.search([made.trial(0, 0.5, phases=slow)], "kt-bayesian", 1, kind="kt-bayesian")
    assert "kt-bayesian spent 90 % of its time thinking." in said(made, price_list)


def test_tuning_that_loses_is_counted(made: Made, price_list: Prices) -> None:
    for seed, score in enumerate((0.4, 0.6, 0.3)):
        made.search([made.trial(0, 0.5)], "default", seed, kind="default")
        made.search([made.trial(0, score)], "kt-random", seed)
    assert "2 of 3 tuned searches ended below the untuned default on the test images;" in said(made, price_list)


def test_on_recorded_seeds_that_are_used_again_means_are_compared_with_no_tuning(
    made: Made, price_list: Prices
) -> None:
    for seed in range(4):
        made.search([made.trial(0, 0.5)], "default", seed, kind="default", recorded=1 + seed % 2)
        made.search([made.trial(0, 0.4 if seed % 2 else 0.6)], "kt-random", seed, recorded=1 + seed % 2)
    text = said(made, price_list)
    assert "1 of 2 means of tuned searches on one recorded seed ended below the untuned default" in text
    assert "With 2 seeds only large differences can show" in text
    assert "4 searches per row, 2 on each." in text


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
    assert "reached validation F1 0.500, the score of the one search: Füchse 1 of 1." in text
    assert "random search" not in text


def test_all_groups_together_are_advised_on_and_told_apart(made: Made, price_list: Prices) -> None:
    _ten_clear_seeds(made)
    first, *others = overall(made, price_list)
    assert first.startswith("Use clever (")
    text = " ".join(others)
    assert "clever is better than kt-random by +0.2" in text
    assert "Shown to differ in test F1, all pairs of tuners tested together: clever over kt-random by +0.2" in text
    assert "Shown to have a good model sooner than kt-random: clever." in text
    assert "Shown to cost less than kt-random: clever." in text


def test_a_difference_is_told_from_the_better_one_whatever_the_order_of_the_matrix(
    made: Made, price_list: Prices
) -> None:
    for seed in range(10):
        made.search([made.trial(0, 0.4 + seed / 90)], "a", seed, kind="optuna-tpe")
        made.search([made.trial(0, 0.7 + seed / 100)], "z", seed, kind="optuna-gp")
    text = " ".join(overall(made, price_list))
    assert "z over a by +0.295 [+0.293, +0.297]" in text


def test_of_many_differences_five_are_told_and_the_others_counted(made: Made, price_list: Prices) -> None:
    for seed in range(10):
        for place, tuner in enumerate("abcd"):
            made.search([made.trial(0, 0.2 * place + 0.2 + seed % (place + 2) / 200)], tuner, seed, kind="optuna-tpe")
    (text,) = (sentence for sentence in overall(made, price_list) if sentence.startswith("Shown to differ"))
    assert text.count(" over ") == 5
    assert text.endswith("; and 1 more.")


def test_where_no_two_differ_no_tuner_is_called_the_best(made: Made, price_list: Prices) -> None:
    # By mean rank there is always a first; it was named before it was said that nothing differs.
    _alike(made)
    first, *others = overall(made, price_list)
    assert first.startswith("No tuner is shown to reach a higher test F1 than another. Then use what costs least")
    assert "kt-random or optuna-tpe" in first
    text = " ".join([first, *others])
    assert "best" not in text
    assert "Shown" not in text


@pytest.mark.parametrize("tuners", [("kt-random",), ()])
def test_one_tuner_and_none_are_compared_with_nobody(made: Made, price_list: Prices, tuners: tuple[str, ...]) -> None:
    for tuner in tuners:
        for seed in range(3):
            made.search([made.trial(0, 0.5)], tuner, seed)
    assert overall(made, price_list) == []


def test_nothing_planned_is_said(made: Made) -> None:
    assert summary_sentences.ended([]) == "no search was planned"
    made.plan()
    assert summary_sentences.ended(made.results().searches) == "1 search: 1 missing"


def test_tuners_that_are_tied_are_named_together(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        for tuner in ("kt-random", "optuna-tpe", "optuna-gp"):
            made.search([made.trial(0, 0.5)], tuner, seed, kind=tuner)

    (first, *_) = overall(made, price_list)

    assert "kt-random, optuna-tpe or optuna-gp (5.00 s a search)" in first
