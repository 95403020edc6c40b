"""Scores from a confusion matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


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
    """
    hits = np.diag(counts).astype(np.float64)
    labelled, predicted = counts.sum(axis=1), counts.sum(axis=0)
    if metric in ("micro_f1", "accuracy"):
        return float(hits.sum() / counts.sum())
    present = labelled + predicted > 0
    f1 = 2 * hits[present] / (labelled + predicted)[present]
    if metric == "weighted_f1":
        return float(np.average(f1, weights=labelled[present]))
    return float(f1.mean())
