from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.perf import fresh, memory, searches
from benchmarks.perf.figures import MIB, Figure
from harness.datasets.verified_sources import Source
from harness.matrix_schema import Budget, Dataset
from harness.space import Choice

Measured = Callable[[Callable[[], Figure]], Figure]

FEW, SOME, MANY = 20, (50, 100, 150), 200
LIMIT = 1.05

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("train", ["head", "all"], ids=["frozen", "fine-tuned"])
def test_memory_does_not_grow_from_trial_to_trial(
    train: str, animals: Source, folder: Path, measured: Measured
) -> None:
    cell = searches.cell_of(
        animals,
        train=train,
        tuner="optuna-random",
        budget=Budget(trials=MANY),
        epochs_per_trial=2,
        image_size=32,
        dataset=Dataset(source="animals", max_images=100),
        domains={**searches.SPACE, "batch_size": Choice(choices=(8, 16, 32, 64), default=32)},
    )

    def growth() -> Figure:
        resident = fresh.call(memory.resident_after, cell, folder / "cell", folder / "cache", (FEW, *SOME, MANY))
        return Figure(
            name=f"memory, {MANY} trials over {FEW}, {'frozen' if train == 'head' else 'fine-tuned'}",
            harness=resident[MANY] / MIB,
            yardstick=resident[FEW] / MIB,
            unit="MiB",
            limit=LIMIT,
            facts={f"resident after {count} trials (MiB)": round(resident[count] / MIB, 1) for count in SOME},
        )

    assert measured(growth).ratio <= LIMIT
