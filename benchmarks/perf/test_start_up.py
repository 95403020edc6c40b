from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from benchmarks.perf import searches, workers
from benchmarks.perf.figures import Figure
from harness.datasets.verified_sources import Source
from harness.executors import LocalExecutor
from harness.matrix_schema import Budget

Measured = Callable[[Callable[[], Figure]], Figure]

LIMIT = 1.15
PAIRS = 5

# As a worker runs, so that the libraries say and choose the same.
SETTINGS = {"KERAS_BACKEND": "tensorflow", "PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("tuner", "library"), [("optuna-tpe", "optuna"), ("kt-bayesian", "keras_tuner")])
def test_a_worker_starts_little_later_than_its_libraries(
    tuner: str, library: str, animals: Source, folder: Path, measured: Measured
) -> None:
    budget = Budget(trials=1)
    cell = searches.cell_of(animals, train="head", tuner=tuner, budget=budget, epochs_per_trial=1, image_size=32)

    def start_ups() -> Figure:
        # The first pair reads files from the disk and compiles; it is not counted.
        pairs = [
            (workers.start_up_s(LocalExecutor(), cell, folder / str(turn), folder / "cache"), bare_s(library))
            for turn in range(PAIRS + 1)
        ][1:]
        started, bare = zip(*pairs, strict=True)
        return Figure(
            name=f"start of a worker over import, {library}",
            harness=median(started),
            yardstick=median(bare),
            unit="s",
            limit=LIMIT,
            facts={"each pair (s)": [tuple(round(side_s, 2) for side_s in pair) for pair in pairs]},
        )

    assert measured(start_ups).ratio <= LIMIT


def bare_s(library: str) -> float:
    """Return the seconds from asking for a Python to the end of the imports that no worker can do without."""
    program = f"import tensorflow, {library}, sys, time; print(time.monotonic() - float(sys.argv[1]))"
    ended = subprocess.run(
        [sys.executable, "-c", program, repr(time.monotonic())],
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=True,
        timeout=workers.TIMEOUT_S,
    )
    return float(ended.stdout)
