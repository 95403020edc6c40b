"""Scores from a confusion matrix: exact until they are rounded once, so that equal scores are equal numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
"""A confusion matrix: images by true class (row) and predicted class (column), (classes, classes)."""

Scorer = Callable[[Counts], float]
"""What makes one score in [0, 1] of a confusion matrix; more is better."""


def confusion(
    labels: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], classes: int
) -> npt.NDArray[np.int64]:
    """Count images by true class (row) and predicted class (column)."""
    cells = labels.astype(np.int64) * classes + predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def score(counts: npt.NDArray[np.int64], metric: str) -> float:
    """Return ``macro_f1``, ``weighted_f1``, ``micro_f1`` or ``accuracy`` of a confusion matrix, in [0, 1].

    F1 of a class is 2 TP / (2 TP + FP + FN), 0 where that is 0/0; classes with neither labels nor predictions are
    left out of the means, as scikit-learn's ``f1_score`` does. With one label an image, micro-F1 is the accuracy.
    The result is the float nearest to the exact quotient: it depends on no order of classes, and a score that equals
    another's never beats it by a rounding.
    """
    hits = np.diag(counts)
    labelled, predicted = counts.sum(axis=1), counts.sum(axis=0)
    if metric in ("micro_f1", "accuracy"):
        return int(hits.sum()) / int(counts.sum())
    present = labelled + predicted > 0
    weights = labelled[present] if metric == "weighted_f1" else np.ones(int(present.sum()), np.int64)
    return _mean(2 * hits[present], (labelled + predicted)[present], weights)


def _mean(
    numerators: npt.NDArray[np.int64], denominators: npt.NDArray[np.int64], weights: npt.NDArray[np.int64]
) -> float:
    """Return the weighted mean of fractions, rounded once: Python divides whole numbers of any size so."""
    # Classes often share a denominator, and arithmetic on long whole numbers is what takes time.
    distinct, place = np.unique(denominators, return_inverse=True)
    sums = np.zeros(len(distinct), np.int64)
    np.add.at(sums, place, numerators * weights)
    common = math.lcm(*distinct.tolist())
    total: int = sum(
        numerator * (common // own) for numerator, own in zip(sums.tolist(), distinct.tolist(), strict=True)
    )
    return total / (common * int(weights.sum()))
