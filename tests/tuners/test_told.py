"""What every library is told in the same way."""

from __future__ import annotations

import math

import pytest

from harness.model import Epoch, Outcome, Trial
from harness.tuners import told


def trial(outcome: Outcome, *scores: float) -> Trial:
    return Trial(
        number=0,
        parameters={},
        first_epoch=1,
        last_epoch=9,
        parent=None,
        outcome=outcome,
        epochs=tuple(
            Epoch(epoch=1 + index, val_f1=score, loss=1.0, train_s=1.0, evaluate_s=0.1)
            for index, score in enumerate(scores)
        ),
    )


def test_the_score_is_the_best_epoch_not_the_last() -> None:
    assert told.score(trial(Outcome.COMPLETED, 0.2, 0.8, 0.5)) == 0.8


def test_a_trial_that_diverged_before_its_first_score_is_told_as_the_worst() -> None:
    assert told.score(trial(Outcome.DIVERGED)) == 0.0


@pytest.mark.parametrize("scores", [(math.nan, 0.4), (0.4, math.nan), (0.4, math.inf), (-math.inf, 0.4)])
def test_only_finite_scores_are_told(scores: tuple[float, ...]) -> None:
    assert told.score(trial(Outcome.DIVERGED, *scores)) == 0.4


def test_a_score_of_zero_is_a_score() -> None:
    assert told.score(trial(Outcome.COMPLETED, 0.0)) == 0.0


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_a_trial_that_failed_has_no_score_whatever_it_had_before(outcome: Outcome) -> None:
    assert told.score(trial(outcome, 0.9)) is None


@pytest.mark.parametrize(
    ("expected", "startup"), [(None, 10), (0, 3), (1, 3), (9, 3), (12, 4), (29, 9), (30, 10), (31, 10), (10**6, 10)]
)
def test_a_third_of_the_expected_trials_starts_a_model(expected: int | None, startup: int) -> None:
    assert told.startup_trials(expected, most=10) == startup


def test_the_start_is_never_longer_than_the_librarys_own() -> None:
    assert told.startup_trials(1, most=2) == 2
