from __future__ import annotations

import math

import pytest

from harness.search_types import Epoch, Outcome, Trial, is_better


def trial(outcome: Outcome, *scores: float) -> Trial:
    return Trial(
        number=0,
        parameters={},
        first_epoch=1,
        last_epoch=9,
        parent=None,
        outcome=outcome,
        epochs=tuple(
            Epoch(epoch=1 + index, val_score=score, loss=1.0, train_s=1.0, evaluate_s=0.1)
            for index, score in enumerate(scores)
        ),
    )


def test_the_score_is_the_best_epoch_not_the_last() -> None:
    assert trial(Outcome.COMPLETED, 0.2, 0.8, 0.5).score == 0.8


def test_a_trial_that_diverged_before_its_first_score_is_told_as_the_worst() -> None:
    assert trial(Outcome.DIVERGED).score == 0.0


@pytest.mark.parametrize("scores", [(math.nan, 0.4), (0.4, math.nan), (0.4, math.inf), (-math.inf, 0.4)])
def test_only_finite_scores_are_told(scores: tuple[float, ...]) -> None:
    assert trial(Outcome.DIVERGED, *scores).score == 0.4


def test_a_score_of_zero_is_a_score() -> None:
    assert trial(Outcome.COMPLETED, 0.0).score == 0.0


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.OUT_OF_MEMORY])
def test_a_trial_that_failed_has_no_score_whatever_it_had_before(outcome: Outcome) -> None:
    assert trial(outcome, 0.9).score is None


@pytest.mark.parametrize(
    ("score", "incumbent", "better"),
    [(0.0, None, True), (0.5, 0.5, False), (0.6, 0.5, True), (math.nan, None, False), (math.nan, 0.5, False)],
)
def test_only_a_greater_number_takes_the_incumbents_place(
    score: float, incumbent: float | None, *, better: bool
) -> None:
    assert is_better(score, incumbent) is better
