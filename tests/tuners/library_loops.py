"""What adapters' proposals and those of their libraries' own loops are compared on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.search_types import Trial
from harness.space import Choice, Range, Space

SIZES, OPTIMIZERS = (16, 32, 64), ("adam", "sgd")
SPACE = Space(
    {
        "learning_rate": Range(low=1e-5, high=1e-1, log=True, default=1e-3),
        "batch_size": Choice(choices=SIZES, default=32),
        "optimizer": Choice(choices=OPTIMIZERS, default="adam"),
    }
)
SEED = 1_234_567


def score(learning_rate: float, *, epochs: int = 9) -> float:
    """Return the fake search's score after so many epochs."""
    return (0.9 - 0.1 * abs(math.log10(learning_rate) + 3)) * (1 - 0.5**epochs)


def places(history: Sequence[Trial]) -> list[tuple[float, int, int]]:
    """Return what was proposed as libraries are shown it: choices by their places."""
    return [
        (
            float(trial.parameters["learning_rate"]),
            SIZES.index(int(trial.parameters["batch_size"])),
            OPTIMIZERS.index(str(trial.parameters["optimizer"])),
        )
        for trial in history
    ]
