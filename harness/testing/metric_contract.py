"""What every metric promises: see docs/add-a-metric.md."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

CLASSES = ("cat", "dog", "hare")
PERFECT = np.diag([5, 4, 3])
"""Images by true class (row) and predicted class (column); here all are recognised."""

HALF = np.array([[3, 1, 1], [1, 2, 1], [1, 1, 1]])
UGLY = {
    "all wrong": np.array([[0, 5, 0], [0, 0, 4], [3, 0, 0]]),
    "one class for everything": np.array([[5, 0, 0], [4, 0, 0], [3, 0, 0]]),
    "a class without images": np.array([[5, 0, 0], [0, 0, 0], [1, 0, 2]]),
    "one image": np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]]),
    "very many images": PERFECT * 10**9,
}


class MetricContract:
    """What every metric promises; derive from it in a test file, and define ``score``."""

    def score(self, counts: Counts, classes: Sequence[str]) -> float:
        """Return the score of a confusion matrix, as the file's ``score`` does."""
        raise NotImplementedError

    def test_a_score_is_a_number_from_0_to_1_whatever_was_predicted(self) -> None:
        """A model that learned nothing is scored too, and a class may have no images."""
        for name, counts in {"perfect": PERFECT, "half right": HALF, **UGLY}.items():
            found = float(self.score(counts.copy(), CLASSES))
            assert math.isfinite(found), name
            assert 0 <= found <= 1, name

    def test_more_is_better(self) -> None:
        """Tuners maximise: no score is above that of a model which recognises every image."""
        perfect = self.score(PERFECT.copy(), CLASSES)

        assert perfect > self.score(UGLY["all wrong"].copy(), CLASSES)
        assert perfect >= max(self.score(counts.copy(), CLASSES) for counts in (HALF, *UGLY.values()))

    def test_the_same_counts_give_the_same_score(self) -> None:
        """A search that goes on after an interruption compares its scores with those it had."""
        assert self.score(HALF.copy(), CLASSES) == self.score(HALF.copy(), CLASSES)
