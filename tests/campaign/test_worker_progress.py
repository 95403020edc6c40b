from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.campaign.worker_progress import Progress, ProgressFile
from harness.cells import Cell

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.log"


def test_a_file_that_is_not_there_yet_says_nothing(path: Path) -> None:
    assert ProgressFile(path).latest() is None


def test_an_empty_file_says_nothing(path: Path) -> None:
    path.touch()

    assert ProgressFile(path).latest() is None


def test_the_newest_line_is_told_with_what_came_before_it(path: Path) -> None:
    path.write_text("0 1 3 0.25\n0 2 3 0.5\n1 1 3 0.125\n")

    assert ProgressFile(path).latest() == Progress(
        trial=1, epoch=1, last_epoch=3, val_score=0.125, epochs_done=3, best_score=0.5
    )


def test_a_growing_file_is_told_as_it_grows(path: Path) -> None:
    progress = ProgressFile(path)
    assert progress.latest() is None

    for number in range(1, 4):
        with path.open("a") as stream:
            stream.write(f"0 {number} 3 0.{number}\n")
        latest = progress.latest()
        assert latest is not None
        assert (latest.epoch, latest.epochs_done, latest.best_score) == (number, number, number / 10)

    assert progress.latest() is None


def test_only_whole_lines_are_read(path: Path) -> None:
    progress = ProgressFile(path)
    line = b"0 1 3 0.123456789\n"
    for kept in range(1, len(line)):
        path.write_bytes(line[:kept])
        assert progress.latest() is None

    path.write_bytes(line)

    latest = progress.latest()
    assert latest is not None
    assert latest.val_score == 0.123456789


def test_a_score_to_the_last_bit_comes_through(path: Path) -> None:
    path.write_text(f"0 1 1 {0.1 + 0.2!r}\n")

    latest = ProgressFile(path).latest()

    assert latest is not None
    assert latest.val_score == 0.1 + 0.2


BUSY = {"others_share": {"value": 0.4, "reason": None}}


def test_a_search_on_a_busy_machine_is_warned_of_at_once_and_its_record_says_so(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    busy = does.succeed()
    assert busy.outcome is not None
    bench.executor.will("optuna-tpe", replace(busy, outcome={**busy.outcome, "busyness": BUSY}))

    bench.run(cells)

    told = [event[:2] for event in bench.watcher.told if event[0] in ("cell_ends", "cell_was_disturbed")]
    ends = [("cell_ends", cell.names.tuner) for cell in cells]
    assert told == [*ends[:2], ("cell_was_disturbed", "optuna-tpe"), ends[2]]
    records = [bench.folder_of(cell).record() for cell in cells]
    assert [record.busyness.told for record in records if record is not None] == [{}, BUSY, {}]
