from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from benchmarks.perf import records
from benchmarks.perf.conftest import ROOT
from benchmarks.perf.figures import MIB, Figure
from benchmarks.perf.reading import Tables, tables
from harness.results_folder import MatrixFolder

Measured = Callable[[Callable[[], Figure]], Figure]

MATRIX = ROOT / "benchmarks" / "smoke.toml"
CELLS, EPOCHS = 10_000, 1_000_000
LIMIT_S, LIMIT_MIB = 3.0, 1024.0
TURNS = 5
FEWER_CELLS, WHOLE_LIMIT_S = 1_000, 20.0
ALONE = ("--only", "tables")

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Tables from records that were never read, later ones of the same, and those after one record was touched."""

    first: Tables
    later: list[Tables]
    touched: Tables


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    results = tmp_path_factory.mktemp("results")
    folder = MatrixFolder(results / MATRIX.stem)
    assert records.write(folder.path, cells=CELLS) == EPOCHS
    first = tables(MATRIX, results, *ALONE)
    written = contents(results)
    later = [_again(results) for _ in range(TURNS)]
    (folder.cell(folder.cell_ids()[0]).path / "record.json").touch()
    touched = _again(results)
    assert contents(results) == written
    return Read(first=first, later=later, touched=touched)


def _again(results: Path) -> Tables:
    shutil.rmtree(results / MATRIX.stem / "tables")
    return tables(MATRIX, results, *ALONE)


def contents(results: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((results / MATRIX.stem / "tables").iterdir())}


def test_tables_from_a_million_epochs_take_three_seconds(read: Read, measured: Measured) -> None:
    def seconds() -> Figure:
        return Figure(
            name="tables from a million epochs",
            harness=median(turn.wall_s for turn in read.later),
            yardstick=LIMIT_S,
            unit="s",
            limit=1.0,
            facts={
                "each (s)": [round(turn.wall_s, 2) for turn in read.later],
                "the first (s)": round(read.first.wall_s, 2),
                "after one record has changed (s)": round(read.touched.wall_s, 2),
            },
        )

    assert measured(seconds).ratio <= 1.0


def test_tables_from_a_million_epochs_fit_into_a_gigabyte(read: Read, measured: Measured) -> None:
    def memory() -> Figure:
        return Figure(
            name="peak memory of these tables",
            harness=max(turn.peak_bytes for turn in (read.first, *read.later, read.touched)) / MIB,
            yardstick=LIMIT_MIB,
            unit="MiB",
            limit=1.0,
            facts={"when nothing has changed (MiB)": round(max(turn.peak_bytes for turn in read.later) / MIB)},
        )

    assert measured(memory).ratio <= 1.0


def test_tables_pictures_and_page_of_a_thousand_searches_take_twenty_seconds(
    tmp_path: Path, measured: Measured
) -> None:
    records.write(tmp_path / MATRIX.stem, cells=FEWER_CELLS)

    def seconds() -> Figure:
        first, later = tables(MATRIX, tmp_path), tables(MATRIX, tmp_path)
        return Figure(
            name="tables, pictures, page of 1,000 searches",
            harness=first.wall_s,
            yardstick=WHOLE_LIMIT_S,
            unit="s",
            limit=1.0,
            facts={"again (s)": round(later.wall_s, 2), "peak memory (MiB)": round(first.peak_bytes / MIB)},
        )

    assert measured(seconds).ratio <= 1.0
