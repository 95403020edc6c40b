from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import analysis
from harness.analysis.statistics import over_random, over_untuned, overtuning

if TYPE_CHECKING:
    from harness.analysis import Group
    from harness.search_types import Trial
    from tests.analysis.conftest import Made


def _group(made: Made) -> Group:
    (group,) = analysis.groups(made.results())
    return group


def _tested(made: Made, *pairs: tuple[float, float]) -> Trial:
    """A trial whose epochs have these validation and test scores."""
    trial = made.trial(0, *(val_score for val_score, _ in pairs))
    epochs = zip(trial.epochs, pairs, strict=True)
    return replace(trial, epochs=tuple(replace(epoch, test_score=test_score) for epoch, (_, test_score) in epochs))


def test_a_gain_is_paired_by_seed(made: Made) -> None:
    for seed, (own, other) in enumerate(((0.5, 0.4), (0.9, 0.7), (0.6, 0.6))):
        made.search([made.trial(0, own)], "tpe", seed, kind="optuna-tpe")
        made.search([made.trial(0, other)], "default", seed, kind="default")
    made.search([made.trial(0, 0.1)], "tpe", 9, kind="optuna-tpe")
    group = _group(made)
    found = over_untuned(group, group.rows[0])
    assert found is not None
    assert found.estimate.value == pytest.approx(0.1)
    assert (found.estimate.n, found.worse, found.tied, found.left_out) == (3, 0, 1, 1)
    assert over_untuned(group, group.rows[1]) is None


def test_a_failed_search_scores_nothing_and_a_missing_one_is_left_out(made: Made) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.5)], "random", seed)
    made.search([made.trial(0, 0.4)], "tpe", 0, kind="optuna-tpe")
    made.search([], "tpe", 1, kind="optuna-tpe", status="failed", reason="boom")
    made.plan("tpe", 2)
    group = _group(made)
    found = over_random(group, group.rows[1])
    assert found is not None
    assert (found.estimate.n, found.worse, found.left_out) == (2, 2, 1)
    assert found.estimate.value == pytest.approx((0.3 - 0.4 + 0.0 - 0.4) / 2)
    assert over_random(group, group.rows[0]) is None


def test_without_a_yardstick_there_is_no_gain(made: Made) -> None:
    made.search([made.trial(0, 0.5)], "tpe", kind="optuna-tpe")
    group = _group(made)
    assert over_random(group, group.rows[0]) is None
    assert over_untuned(group, group.rows[0]) is None


def test_overtuning_is_the_best_test_score_on_the_way_less_the_last(made: Made) -> None:
    made.search([_tested(made, (0.5, 0.7), (0.6, 0.4))], seed=0)
    made.search([_tested(made, (0.5, 0.4), (0.6, 0.6))], seed=1)
    found = overtuning(_group(made).rows[0])
    assert found.loss.value == pytest.approx(0.15)
    assert found.gap.value == pytest.approx(0.1)
    assert (found.losers, found.loss.n) == (1, 2)


def test_without_a_search_nothing_is_overtuned(made: Made) -> None:
    made.plan()
    found = overtuning(_group(made).rows[0])
    assert (found.gap.value, found.loss.value, found.losers) == (None, None, 0)


def test_a_test_score_of_zero_is_a_score(made: Made) -> None:
    made.search([made.trial(0, 0.1)], "random", 0)
    made.search([made.trial(0, 0.4)], "tpe", 0, kind="optuna-tpe")
    group = _group(made)
    found = over_random(group, group.rows[1])
    assert found is not None
    assert found.estimate.value == pytest.approx(0.3)
    assert found.estimate.n == 1


def test_tuning_that_loses_to_the_default_is_counted_by_seed(made: Made) -> None:
    for seed, score in ((0, 0.4), (1, 0.5)):
        made.search([made.trial(0, 0.5)], "untuned", seed, kind="default")
        made.search([made.trial(0, score)], "random", seed)
    group = _group(made)
    found = over_untuned(group, group.rows[1])
    assert found is not None
    assert (found.worse, found.tied, found.estimate.n) == (1, 1, 2)


def test_a_gain_on_a_recorded_seed_is_that_of_the_means_of_its_searches(made: Made) -> None:
    for seed, (own, recorded) in enumerate(((0.5, 1), (0.7, 1), (0.4, 2))):
        made.search([made.trial(0, own)], "tpe", seed, kind="optuna-tpe", recorded=recorded)
        made.search([made.trial(0, 0.5)], "default", seed, kind="default", recorded=recorded)
    made.plan("tpe", 3)
    group = _group(made)
    found = over_untuned(group, group.rows[0])
    assert found is not None
    assert found.estimate.value == pytest.approx((0.1 - 0.1) / 2)
    assert (found.estimate.n, found.worse, found.tied, found.left_out) == (2, 1, 0, 0)


def test_overtuned_searches_are_counted_one_by_one(made: Made) -> None:
    for seed, last in enumerate((0.3, 0.6, 0.2)):
        made.search([_tested(made, (0.5, 0.5), (0.6, last))], "tpe", seed, recorded=1)
    found = overtuning(_group(made).rows[0])
    assert (found.losers, found.searches, found.loss.n) == (2, 3, 1)
