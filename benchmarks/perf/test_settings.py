"""Settings of which a run on a CPU warns (``harness/campaign/slow_setting_warnings.py``): what they cost there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from benchmarks.perf import searches, workers
from benchmarks.perf.figures import Figure
from harness.cells import Cell
from harness.datasets.verified_sources import Source
from harness.executors import LocalExecutor
from harness.matrix_schema import Budget
from harness.records import CellFolder

Measured = Callable[[Callable[[], Figure]], Figure]

EPOCHS = 4
TURNS = 1

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("setting", [{"jit": True}, {"precision": "mixed_bfloat16"}], ids=["jit", "bfloat16"])
def test_on_a_cpu_fine_tuning_is_faster_without_it(
    setting: Mapping[str, Any], animals: Source, folder: Path, measured: Measured
) -> None:
    plain = searches.cell_of(
        animals, train="all", tuner="default", budget=Budget(epochs=EPOCHS), epochs_per_trial=EPOCHS
    )
    with_it = plain.model_copy(update={"protocol": plain.protocol.model_copy(update=setting)})

    def epochs() -> Figure:
        pairs = [
            (epoch_s(plain, folder / f"{turn} without", folder), epoch_s(with_it, folder / f"{turn} with", folder))
            for turn in range(TURNS)
        ]
        without, with_ = (median(side) for side in zip(*pairs, strict=True))
        return Figure(
            name=f"a fine-tuning epoch without {setting}",
            harness=without,
            yardstick=with_,
            unit="s",
            limit=1.0,
            facts={"times as long with it": round(with_ / without, 2)},
        )

    assert measured(epochs).ratio <= 1.0


def epoch_s(cell: Cell, path: Path, folder: Path) -> float:
    """Search in a worker of its own; return the median seconds of an epoch, the first left out: it traces."""
    records = CellFolder(path)
    records.write_cell(cell)
    workers.run(LocalExecutor(), "search", records, folder / "cache")
    (trial,) = records.trials()
    return median((epoch.train_s or 0.0) + (epoch.evaluate_s or 0.0) for epoch in trial.epochs[1:])
