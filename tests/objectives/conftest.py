"""Small real data to train on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.objectives.keras_training import TrainingData

CLASSES = 3


@pytest.fixture
def features() -> TrainingData:
    """Ninety rows of sixteen features, three classes that can be told apart."""
    generator = np.random.default_rng(3)
    labels = generator.integers(0, CLASSES, 90).astype(np.int32)
    rows = generator.normal(size=(90, 16)).astype(np.float32)
    rows[np.arange(90), labels] += 1.5
    order: NDArray[np.int64] = generator.permutation(90)
    return TrainingData(
        rows=rows, labels=labels, classes=CLASSES, train=order[:53], validation=order[53:75], test=order[75:]
    )
