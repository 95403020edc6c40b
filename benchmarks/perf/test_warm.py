from __future__ import annotations

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
from harness.executors import LocalExecutor, forked
from harness.matrix_schema import Budget

Measured = Callable[[Callable[[], Figure]], Figure]

ROOT = Path(__file__).resolve().parents[2]
RUN_LIMIT = 0.55
START_LIMIT = 0.1
PAIRS = 5
TIMEOUT_S = 1200

pytestmark = pytest.mark.slow


def test_a_forked_worker_is_at_work_in_a_tenth_of_the_time(animals: Source, folder: Path, measured: Measured) -> None:
    budget = Budget(trials=1)
    cell = searches.cell_of(animals, train="head", tuner="optuna-tpe", budget=budget, epochs_per_trial=1, image_size=32)

    def start_ups() -> Figure:
        with forked.warmed(LocalExecutor(), owner=folder) as forking:
            # The first pair imports on both sides; it is not counted.
            pairs = [
                tuple(
                    workers.start_up_s(executor, cell, folder / f"{name} {turn}", folder / "cache")
                    for name, executor in (("warm", forking), ("fresh", LocalExecutor()))
                )
                for turn in range(PAIRS + 1)
            ][1:]
        warm, fresh = zip(*pairs, strict=True)
        return Figure(
            name="start of a worker, warm over fresh",
            harness=median(warm),
            yardstick=median(fresh),
            unit="s",
            limit=START_LIMIT,
            facts={"each pair (s)": [tuple(round(side_s, 3) for side_s in pair) for pair in pairs]},
        )

    assert measured(start_ups).ratio <= START_LIMIT


def test_the_demo_takes_half_as_long_with_warm_workers(folder: Path, measured: Measured) -> None:
    def runs() -> Figure:
        # The first fetches data and weights; it is not counted.
        warm_s, fresh_s, again_s = (
            run_s(folder / str(turn), folder / "cache", start=start)
            for turn, start in enumerate(("warm", "fresh", "warm"))
        )
        return Figure(
            name="harness run of the demo, warm over fresh",
            harness=again_s,
            yardstick=fresh_s,
            unit="s",
            limit=RUN_LIMIT,
            facts={"the first, with an empty cache (s)": round(warm_s, 1)},
        )

    assert measured(runs).ratio <= RUN_LIMIT


def run_s(results: Path, cache: Path, *, start: str) -> float:
    """Return the seconds of ``make bench`` without its installation: searches, tables, pictures and page."""
    places = ["--results", str(results), "--cache", str(cache)]
    command = [sys.executable, "-m", "harness", "run", "benchmarks/demo.toml", "--executor", "local", "--start", start]
    began = time.monotonic()
    subprocess.run([*command, *places], cwd=ROOT, capture_output=True, check=True, timeout=TIMEOUT_S)
    return time.monotonic() - began
