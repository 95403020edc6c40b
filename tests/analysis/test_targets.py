from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.analysis.targets import target

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_the_target_is_the_median_of_random_search_whatever_the_matrix_calls_it(made: Made) -> None:
    for seed, f1 in enumerate((0.3, 0.5, 0.9)):
        made.search([made.trial(0, f1)], "dice", seed, kind="optuna-random")
    made.search([made.trial(0, 0.99)], "clever", kind="optuna-tpe")
    goal = target(made.results().searches)
    assert goal is not None
    assert (goal.f1, goal.of) == (0.5, "median of 3 random searches")


def test_without_random_search_the_target_is_the_median_of_all(made: Made) -> None:
    made.search([made.trial(0, 0.2)], "a", kind="optuna-tpe")
    made.search([made.trial(0, 0.4)], "b", kind="kt-bayesian")
    goal = target(made.results().searches)
    assert goal is not None
    assert (goal.f1, goal.of) == (0.2, "lower median of all 2 searches")


@pytest.mark.parametrize(("searches", "reached"), [(1, 1), (2, 2), (3, 2), (9, 5), (10, 6), (20, 11)])
def test_more_than_half_of_those_that_set_the_target_reach_it(made: Made, searches: int, reached: int) -> None:
    for seed in range(searches):
        made.search([made.trial(0, 0.5 + seed / 100)], seed=seed)
    found = made.results().searches
    goal = target(found)
    assert goal is not None
    assert sum(1 for search in found if search.val_f1 is not None and search.val_f1 >= goal.f1) == reached


def test_failed_and_missing_searches_set_no_target(made: Made) -> None:
    made.search([made.trial(0, 0.9)], status="failed", reason="boom")
    made.plan(seed=1)
    assert target(made.results().searches) is None


def test_a_target_of_zero_is_a_target(made: Made) -> None:
    made.search([made.trial(0, 0.0)])
    goal = target(made.results().searches)
    assert goal is not None
    assert (goal.f1, goal.of) == (0.0, "median of 1 random search")
