"""Scores agree with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from harness.objectives import scores

METRICS = {"macro_f1": "macro", "weighted_f1": "weighted", "micro_f1": "micro"}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_f1_equals_scikit_learns(metric: str, classes: int) -> None:
    generator = np.random.default_rng(classes)
    labels, predicted = generator.integers(0, classes, (2, 57))

    found = scores.score(scores.confusion(labels, predicted, classes), metric)

    assert found == pytest.approx(f1_score(labels, predicted, average=METRICS[metric]), abs=1e-12)


def test_accuracy_equals_scikit_learns() -> None:
    labels, predicted = np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2])

    assert scores.score(scores.confusion(labels, predicted, 3), "accuracy") == accuracy_score(labels, predicted)


def test_a_class_that_neither_occurs_nor_is_predicted_is_left_out_of_the_mean() -> None:
    labels = predicted = np.array([0, 1, 1])

    assert scores.score(scores.confusion(labels, predicted, 5), "macro_f1") == 1.0


def test_all_wrong_is_zero_not_nan() -> None:
    counts = scores.confusion(np.array([0, 1]), np.array([1, 0]), 2)

    assert [scores.score(counts, metric) for metric in (*METRICS, "accuracy")] == [0.0] * 4


def test_a_class_that_is_predicted_but_never_occurs_counts_as_zero() -> None:
    counts = scores.confusion(np.array([0, 0]), np.array([0, 1]), 3)

    assert scores.score(counts, "macro_f1") == pytest.approx((2 / 3 + 0) / 2)
