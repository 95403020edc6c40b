from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.analysis.targets import Reached, reached, speedup, target

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _reached(wall_s: float | None) -> Reached:
    return Reached(wall_s=wall_s, reached=0, searches=1)


def test_the_target_is_the_median_of_random_search_whatever_the_matrix_calls_it(made: Made) -> None:
    for seed, f1 in enumerate((0.3, 0.5, 0.9)):
        made.search([made.trial(0, f1)], "dice", seed, kind="optuna-random")
    made.search([made.trial(0, 0.99)], "clever", kind="optuna-tpe")
    goal = target(made.results().searches)
    assert goal is not None
    assert (goal.f1, goal.of) == (0.5, "3 random searches")


def test_without_random_search_the_target_is_the_median_of_all(made: Made) -> None:
    made.search([made.trial(0, 0.2)], "a", kind="optuna-tpe")
    made.search([made.trial(0, 0.4)], "b", kind="kt-bayesian")
    goal = target(made.results().searches)
    assert goal is not None
    assert (round(goal.f1, 6), goal.of) == (0.3, "all 2 searches")


def test_failed_and_missing_searches_set_no_target(made: Made) -> None:
    made.search([made.trial(0, 0.9)], status="failed", reason="boom")
    made.plan(seed=1)
    assert target(made.results().searches) is None


def test_misses_count_as_infinite_not_dropped(made: Made) -> None:
    for seed, f1 in enumerate((0.6, 0.1, 0.1)):
        made.search([made.trial(0, f1)], seed=seed)
    results = made.results().searches
    goal = target([results[0]])
    assert goal is not None
    found = reached(results, goal)
    assert (found.wall_s, found.reached, found.searches) == (math.inf, 1, 3)


def test_a_failed_search_missed_the_target_and_a_missing_one_was_not_asked(made: Made) -> None:
    made.search([made.trial(0, 0.6)], seed=0)
    made.search([made.trial(0, 0.9)], seed=1, status="failed", reason="boom")
    made.plan(seed=2)
    results = made.results().searches
    goal = target(results)
    assert goal is not None
    found = reached(results, goal)
    assert (found.reached, found.searches) == (1, 2)


def test_a_target_of_zero_is_a_target(made: Made) -> None:
    made.search([made.trial(0, 0.0)])
    results = made.results().searches
    goal = target(results)
    assert goal is not None
    assert goal.f1 == 0.0
    assert reached(results, goal).wall_s == 4.0


def test_a_speed_up_is_a_ratio_of_seconds() -> None:
    assert speedup(_reached(10.0), _reached(20.0)) == 2.0
    assert speedup(_reached(10.0), _reached(10.0)) == 1.0


def test_a_speed_up_is_undefined_where_both_missed() -> None:
    assert speedup(_reached(math.inf), _reached(math.inf)) is None
    assert speedup(_reached(None), _reached(1.0)) is None


def test_a_speed_up_is_zero_or_infinite_where_one_missed() -> None:
    assert speedup(_reached(math.inf), _reached(1.0)) == 0.0
    assert speedup(_reached(1.0), _reached(math.inf)) == math.inf
    assert speedup(_reached(0.0), _reached(1.0)) == math.inf
