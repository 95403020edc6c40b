"""Scores agree with scikit-learn's."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies
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


def permuted(counts: npt.NDArray[np.int64], order: Sequence[int]) -> npt.NDArray[np.int64]:
    return counts[np.ix_(order, order)]


def test_a_score_does_not_depend_on_the_order_in_which_a_sum_of_floats_would_be_rounded() -> None:
    counts = np.array([[7, 1, 2], [2, 6, 2], [2, 0, 8]])
    f1 = 2 * np.diag(counts) / (counts.sum(axis=0) + counts.sum(axis=1))
    assert f1.mean() != f1[[2, 0, 1]].mean()

    found = {scores.score(permuted(counts, order), "macro_f1") for order in itertools.permutations(range(3))}

    assert found == {float(sum(map(Fraction, ("14/21", "12/17", "16/22"))) / 3)}


@given(
    counts=strategies.lists(strategies.integers(0, 99), min_size=16, max_size=16).filter(any),
    order=strategies.permutations(range(4)),
    metric=strategies.sampled_from([*METRICS, "accuracy"]),
)
def test_equal_scores_are_equal_numbers_whatever_the_order_of_classes(
    counts: list[int], order: list[int], metric: str
) -> None:
    table = np.array(counts).reshape(4, 4)

    assert scores.score(permuted(table, order), metric) == scores.score(table, metric)


@pytest.mark.parametrize("metric", [*METRICS, "accuracy"])
def test_a_thousand_classes_of_all_sizes_are_scored_as_scikit_learn_scores_them(metric: str) -> None:
    generator = np.random.default_rng(7)
    labels = (1000 * generator.random(20_000) ** 2).astype(np.int64)
    predicted = np.where(generator.random(20_000) < 0.5, labels, generator.integers(0, 1000, 20_000))

    found = scores.score(scores.confusion(labels, predicted, 1000), metric)

    known = accuracy_score if metric == "accuracy" else partial(f1_score, average=METRICS[metric])
    assert found == pytest.approx(known(labels, predicted), abs=1e-12)
