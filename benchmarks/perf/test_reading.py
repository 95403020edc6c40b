from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from benchmarks.perf import records
from benchmarks.perf.conftest import ROOT
from benchmarks.perf.figures import MIB, Figure
from benchmarks.perf.reading import Tables, tables

Measured = Callable[[Callable[[], Figure]], Figure]

MATRIX = ROOT / "benchmarks" / "smoke.toml"
CELLS, EPOCHS = 10_000, 1_000_000
LIMIT_S, LIMIT_MIB = 3.0, 1024.0
TURNS = 5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, list[Tables]]:
    """The first tables from records that were never read, and the later ones."""
    results = tmp_path_factory.mktemp("results")
    assert records.write(results / MATRIX.stem, cells=CELLS) == EPOCHS
    first = tables(MATRIX, results)
    written = contents(results)
    later = [tables(MATRIX, results) for _ in range(TURNS)]
    assert contents(results) == written
    return first, later


def contents(results: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((results / MATRIX.stem / "tables").iterdir())}


def test_tables_from_a_million_epochs_take_three_seconds(read: tuple[Tables, list[Tables]], measured: Measured) -> None:
    first, later = read

    def seconds() -> Figure:
        return Figure(
            name="tables from a million epochs",
            harness=median(turn.wall_s for turn in later),
            yardstick=LIMIT_S,
            unit="s",
            limit=1.0,
            facts={"each (s)": [round(turn.wall_s, 2) for turn in later], "the first (s)": round(first.wall_s, 2)},
        )

    assert measured(seconds).ratio <= 1.0


def test_tables_from_a_million_epochs_fit_into_a_gigabyte(
    read: tuple[Tables, list[Tables]], measured: Measured
) -> None:
    first, later = read

    def memory() -> Figure:
        return Figure(
            name="peak memory of these tables",
            harness=max(turn.peak_bytes for turn in (first, *later)) / MIB,
            yardstick=LIMIT_MIB,
            unit="MiB",
            limit=1.0,
            facts={"the first (MiB)": round(first.peak_bytes / MIB)},
        )

    assert measured(memory).ratio <= 1.0
