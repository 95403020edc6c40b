from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.analysis import incumbent_curves

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def test_no_trials_have_no_incumbent() -> None:
    assert incumbent_curves.steps([]) == ()


def test_each_epoch_stands_where_its_seconds_put_it(made: Made) -> None:
    found = incumbent_curves.steps([made.trial(0, 0.2, 0.4), made.trial(1, 0.3, 0.6)])
    # Trial 0: ask 1, epochs at 4 and 7, tell until 7.5; trial 1: ask until 8.5, epochs at 11.5 and 14.5.
    assert [step.wall_s for step in found] == [4.0, 7.0, 14.5]
    assert [step.device_s for step in found] == [3.0, 6.0, 12.0]
    assert [step.epochs for step in found] == [1, 2, 4]
    assert [(step.trial, step.epoch) for step in found] == [(0, 1), (0, 2), (1, 2)]


def test_the_earlier_of_equals_stays(made: Made) -> None:
    found = incumbent_curves.steps([made.trial(0, 0.5, 0.5), made.trial(1, 0.5)])
    assert [(step.trial, step.epoch) for step in found] == [(0, 1)]


def test_test_score_is_that_of_the_incumbents_own_epoch(made: Made) -> None:
    trial = made.trial(0, 0.5, 0.6)
    first, second = trial.epochs
    lucky = replace(trial, epochs=(replace(first, test_score=0.99), replace(second, test_score=0.1)))
    assert incumbent_curves.steps([lucky])[-1].test_score == 0.1


def test_nan_scores_are_survived(made: Made) -> None:
    found = incumbent_curves.steps([made.trial(0, math.nan, 0.3, math.nan)])
    assert [step.val_score for step in found] == [0.3]
    assert found[0].epochs == 2


def test_a_test_score_of_nan_is_unknown(made: Made) -> None:
    trial = made.trial(0, 0.3)
    assert (
        incumbent_curves.steps([replace(trial, epochs=(replace(trial.epochs[0], test_score=math.nan),))])[0].test_score
        is None
    )


def test_a_score_of_zero_is_a_score(made: Made) -> None:
    assert incumbent_curves.steps([made.trial(0, 0.0)])[0].val_score == 0.0


def test_a_diverged_epoch_is_charged_before_the_next_trial(made: Made) -> None:
    found = incumbent_curves.steps([made.trial(0, charged_epochs=1), made.trial(1, 0.5)])
    assert found[0].epochs == 2


def test_the_target_is_met_by_an_equal_score(made: Made) -> None:
    found = incumbent_curves.steps([made.trial(0, 0.2, 0.4)])
    reached = incumbent_curves.first_at(found, 0.4)
    assert reached is not None
    assert reached.wall_s == 7.0
    assert incumbent_curves.first_at(found, 0.41) is None


def test_a_trials_best_epoch_is_its_own(made: Made) -> None:
    best = incumbent_curves.best_epoch(made.trial(0, 0.2, 0.6, 0.6))
    assert best is not None
    assert best.epoch == 2
    assert incumbent_curves.best_epoch(made.trial(0)) is None
