from __future__ import annotations

import itertools
import math
import statistics
from typing import TYPE_CHECKING

import pytest

from harness.analysis.statistics.cost_to_target import is_reached
from harness.analysis.target_score import Target, target
from harness.search_types import Outcome

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _target(made: Made) -> Target:
    goal = target(made.results().searches)
    assert goal is not None
    return goal


def _reached(made: Made) -> int:
    searches = made.results().searches
    goal = target(searches)
    assert goal is not None
    return sum(is_reached(search, goal) for search in searches)


def test_the_target_is_what_random_search_has_after_half_of_its_epochs_in_every_order(made: Made) -> None:
    scores = (0.2, 0.6, 0.3, 0.5)
    made.search([made.trial(number, score) for number, score in enumerate(scores)], "dice", kind="optuna-random")
    made.search([made.trial(0, 0.99)], "clever", kind="optuna-tpe")
    goal = _target(made)
    # The best of any two of the four; 128 drawn orders hold the mean within four of its standard errors.
    pairs = [max(pair) for pair in itertools.combinations(scores, 2)]
    assert goal.score == pytest.approx(statistics.fmean(pairs), abs=4 * statistics.pstdev(pairs) / math.sqrt(128))
    assert goal.of == "what 1 random search has on average after half of its epochs"


def test_whatever_the_matrix_calls_them_random_searches_are_counted_together(made: Made) -> None:
    for seed, score in enumerate((0.3, 0.5, 0.9)):
        made.search([made.trial(0, score)], "dice", seed, kind="optuna-random")
    goal = _target(made)
    assert goal.score == pytest.approx(1.7 / 3)
    assert goal.of == "what 3 random searches have on average after half of their epochs"


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_one_random_search_moves_the_target_by_its_share_only(made: Made, seeds: int) -> None:
    def after_half(lucky: float) -> float:
        made.planned.clear()
        for seed in range(seeds):
            score = lucky if seed == 0 else 0.5 + seed / 100
            made.search([made.trial(0, score)], seed=seed, id=f"{int(100 * lucky)}-{seed}")
        return _target(made).score

    # A lower median of finals jumps from one search to the next as soon as one crosses it.
    low, middle, high = after_half(0.4), after_half(0.5), after_half(0.9)
    assert middle - low == pytest.approx(0.1 / seeds)
    assert high - middle == pytest.approx(0.4 / seeds)


def test_the_shifts_of_the_seeds_sum_to_zero_and_follow_how_all_tuners_fare(made: Made) -> None:
    for seed, hard in enumerate((0.0, 0.1, 0.3)):
        made.search([made.trial(0, 0.9 - hard)], "random", seed)
        made.search([made.trial(0, 0.8 - hard)], "tpe", seed, kind="optuna-tpe")
    shifts = _target(made).shifts
    assert sum(shifts.values()) == pytest.approx(0.0, abs=1e-12)
    assert [shifts[seed] for seed in range(3)] == pytest.approx([0.4 / 3, 0.1 / 3, -0.5 / 3])


def test_a_tuner_that_lacks_a_seed_shifts_none(made: Made) -> None:
    for seed in range(2):
        made.search([made.trial(0, 0.5 + seed / 10)], "random", seed)
    made.search([made.trial(0, 0.99)], "tpe", 0, kind="optuna-tpe")
    made.search([made.trial(0, 0.99)], "tpe", 1, kind="optuna-tpe", status="failed", reason="boom")
    assert _target(made).shifts == pytest.approx({0: -0.05, 1: 0.05})


def test_without_a_tuner_on_every_seed_the_target_is_the_same_on_all(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "random", 0)
    made.search([made.trial(0, 0.7)], "tpe", 1, kind="optuna-tpe")
    goal = _target(made)
    assert goal.shifts == {}
    assert goal.at(0) == goal.at(1) == goal.at(99) == pytest.approx(goal.score)


def test_two_searches_of_a_tuner_on_a_seed_as_of_two_runs_count_alike_in_any_order(made: Made) -> None:
    for seed, (first, second) in enumerate(((0.5, 0.7), (0.6, 0.6))):
        made.search([made.trial(0, first)], seed=seed)
        made.search([made.trial(0, second)], seed=seed)
    searches = made.results().searches
    goal, backwards = target(searches), target(searches[::-1])
    assert goal == backwards
    assert goal is not None
    assert goal.shifts == pytest.approx({0: 0.0, 1: 0.0})


def test_without_random_search_the_target_is_the_lower_median_of_all(made: Made) -> None:
    made.search([made.trial(0, 0.2)], "a", kind="optuna-tpe")
    made.search([made.trial(0, 0.4)], "b", kind="kt-bayesian")
    goal = _target(made)
    assert (goal.score, goal.of) == (0.2, "the lower median of all 2 searches")


@pytest.mark.parametrize("scores", [(0.2, 0.8, 0.8), (0.5, 0.5, 0.8), (0.9,), (0.1, 0.9)])
def test_without_random_search_more_than_half_reach_the_target_on_seeds_as_unlike_as_these(
    made: Made, scores: tuple[float, ...]
) -> None:
    for seed, score in enumerate(scores):
        made.search([made.trial(0, score)], "a", seed, kind="optuna-tpe")
        made.search([made.trial(0, score - 0.01 * seed)], "b", seed, kind="kt-bayesian")
    assert _reached(made) > len(scores)


@pytest.mark.parametrize("score", [0.7, 0.95, 1.0, 2 / 3])
@pytest.mark.parametrize("seeds", [1, 3, 7])
def test_searches_that_are_all_tied_reach_a_target_that_is_their_own_score(
    made: Made, score: float, seeds: int
) -> None:
    for seed in range(seeds):
        made.search([made.trial(0, score)], "random", seed)
        made.search([made.trial(0, score)], "tpe", seed, kind="optuna-tpe")
    assert _reached(made) == 2 * seeds


def test_failed_and_missing_searches_set_no_target(made: Made) -> None:
    made.search([made.trial(0, 0.9)], status="failed", reason="boom")
    made.plan(seed=1)
    assert target(made.results().searches) is None


def test_a_random_search_that_lost_its_first_half_counts_from_where_it_has_a_score(made: Made) -> None:
    diverged = made.trial(0, outcome=Outcome.DIVERGED, reason="NaN", charged_epochs=9)
    made.search([diverged, made.trial(1, 0.4)])
    assert _target(made).score == pytest.approx(0.4)


def test_a_target_of_zero_is_a_target(made: Made) -> None:
    made.search([made.trial(0, 0.0)])
    assert _target(made).score == 0.0
    assert _reached(made) == 1


def test_rounding_puts_no_target_above_a_score_that_equals_it(made: Made) -> None:
    # 0.225 + (0.04 - 0.225) is above 0.04, by its last bit.
    for seed, score in enumerate((0.41, 0.04)):
        made.search([made.trial(0, score)], seed=seed)
    assert _reached(made) == 2


def test_the_target_is_shifted_by_recorded_seeds_not_by_those_of_the_tuners(made: Made) -> None:
    for seed, (score, recorded) in enumerate(((0.3, 1), (0.5, 1), (0.8, 2))):
        made.search([made.trial(0, score)], "dice", seed, kind="optuna-random", recorded=recorded)
    assert _target(made).shifts == pytest.approx({1: -0.2, 2: 0.2})
