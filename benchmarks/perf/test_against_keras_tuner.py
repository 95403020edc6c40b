from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from benchmarks.perf import fresh, searches, stock
from benchmarks.perf.figures import Figure
from benchmarks.perf.searches import EPOCHS, TRIALS, Searched
from harness.cells import Cell
from harness.datasets.verified_sources import Source

Measured = Callable[[Callable[[], Figure]], Figure]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("train", "limit"), [("all", 0.20), ("head", 0.04)], ids=["fine-tuned", "frozen"])
def test_a_hyperband_search_takes_a_small_part_of_keras_tuner_s_own(
    train: str, limit: float, animals: Source, folder: Path, measured: Measured
) -> None:
    cell = searches.cell_of(animals, train=train)
    searches.images_of(cell, folder / "cache")
    name = f"{'frozen backbone' if train == 'head' else 'fine-tuned'} against Keras Tuner"

    figure = measured(lambda: compare(cell, folder, name=name, limit=limit))

    assert figure.ratio <= limit


def compare(cell: Cell, folder: Path, *, name: str, limit: float) -> Figure:
    """Search with the harness before and after Keras Tuner's search, so that a drift of the machine cancels."""
    ours, theirs, again = (
        searched(side, cell, folder / str(turn), decoded=folder / "cache")
        for turn, side in enumerate((searches.with_harness, stock.with_keras_tuner, searches.with_harness))
    )
    for side in (ours, theirs, again):
        assert (side.trials, side.epochs) == (TRIALS, EPOCHS)
        for one, other in zip(side.drawn, theirs.drawn, strict=True):
            assert one == pytest.approx(other, rel=1e-6)
    return Figure(
        name=name,
        harness=mean([ours.wall_s, again.wall_s]),
        yardstick=theirs.wall_s,
        unit="s",
        limit=limit,
        facts={
            "trials on each side": TRIALS,
            "epochs on each side": EPOCHS,
            "configurations drawn, the same on each side": len(theirs.drawn),
            "harness, each search (s)": [round(side.wall_s, 2) for side in (ours, again)],
        },
    )


def searched(side: Callable[..., Any], cell: Cell, path: Path, *, decoded: Path) -> Searched:
    """Search in a fresh process with a cache that holds the decoded images and nothing else."""
    shutil.copytree(decoded / "images", path / "cache" / "images")
    result: Searched = fresh.call(side, cell, path, path / "cache")
    return result
