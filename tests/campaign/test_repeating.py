from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.campaign.events import State
from harness.campaign.run_time_allowance import STOPPING_S, Allowance
from harness.campaign.wave_runner import Runner
from harness.cells import Cell
from harness.records import CellFolder
from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script

Trained = Callable[..., Trial]


def test_failed_cells_are_repeated_when_asked_and_the_earlier_record_is_kept_aside(
    bench: Bench, cells: list[Cell], does: type[Script], trained: Trained
) -> None:
    bench.executor.will("optuna-tpe", does.fail("first", trials=(trained(0, 0.9),)))
    bench.run(cells)

    assert bench.run(cells, retry_failed=True) == {State.OK: 3}

    assert bench.searches[3:] == ["optuna-tpe"]
    folder = bench.folder_of(cells[1])
    assert [trial.score for trial in folder.trials()] == [0.5]
    assert '"reason": "first"' in (folder.path / "retried-1" / "record.json").read_text("utf-8")
    assert (folder.path / "retried-1" / "trials.jsonl").exists()


class Killed(BaseException):
    """Ends a run where it stands."""


def kill_after(renames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so many files be moved; the run ends before the next."""
    left, rename = itertools.count(renames, -1), Path.rename

    def rename_or_die(path: Path, target: Path) -> Path:
        if next(left) <= 0:
            raise Killed
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_or_die)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def failed(bench: Bench, cell: Cell, does: type[Script], trained: Trained) -> CellFolder:
    """The sealed failure of a search with two trials."""
    bench.executor.will("search", does.fail("first", trials=(trained(0, 0.9), trained(1, 0.8))))
    bench.run([cell])
    return bench.folder_of(cell)


@pytest.mark.parametrize("renames", range(5))
def test_a_kill_while_a_failure_is_set_aside_never_mixes_its_trials_with_those_of_the_next_search(
    bench: Bench, cell: Cell, failed: CellFolder, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    folder, sealed = failed, contents(failed.path)

    with monkeypatch.context() as patch:
        kill_after(renames, patch)
        with pytest.raises(Killed):
            bench.run([cell], retry_failed=True)

    if renames == 0:
        assert contents(folder.path) == sealed
        assert bench.run([cell]) == {State.FAILED: 1}
        bench.run([cell], retry_failed=True)
    else:
        assert folder.record() is None
        assert bench.run([cell]) == {State.OK: 1}
    assert [trial.score for trial in folder.trials()] == [0.5]
    record = folder.record()
    assert record is not None
    assert (record.trials, record.attempts) == (1, 1)
    del sealed["cell.json"]
    assert contents(folder.path / "retried-1") == sealed
    assert [path.name for path in folder.path.iterdir() if path.is_dir()] == ["retried-1"]


def test_a_failure_keeps_its_record_until_its_own_repetition_begins(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    for cell in cells:
        bench.executor.will(cell.names.tuner, does.fail("no such kernel"), does.succeed(progress=("0 1 3 0.5\n",)))
    bench.run(cells)
    bench.executor.interrupts_at = 1

    with pytest.raises(KeyboardInterrupt):
        bench.run(cells, retry_failed=True)

    assert [bench.folder_of(cell).record() is None for cell in cells] == [True, False, False]


def test_failures_that_the_allowance_has_no_room_for_are_left_and_keep_their_records(
    bench: Bench, cells: list[Cell], does: type[Script]
) -> None:
    for cell in cells[:2]:
        bench.executor.will(cell.names.tuner, does.fail("no such kernel"))
    bench.run(cells)
    spent = Allowance(limit_s=STOPPING_S, began=0.0, clock=lambda: 1.0)
    runner = Runner(
        folder=bench.folder, executor=bench.executor, cache=bench.cache, watch=bench.watcher, allowance=spent
    )

    assert runner.run(cells, retry_failed=True) == {State.LEFT: 2, State.OK: 1}

    assert bench.run(cells) == {State.FAILED: 2, State.OK: 1}


def test_a_failure_that_nothing_can_be_prepared_for_again_stays_as_it_was(
    bench: Bench, cell: Cell, does: type[Script], tmp_path: Path
) -> None:
    bench.executor.will("search", does.fail("no such kernel"))
    bench.run([cell])
    folder = bench.folder_of(cell)
    before = folder.fingerprint()
    bench.cache = tmp_path / "another cache"
    bench.executor.will("prepare", does.be_killed(), does.be_killed())

    assert bench.run([cell], retry_failed=True) == {State.FAILED: 1}

    assert folder.fingerprint() == before
    assert bench.watcher.heard("cell_ends")[-1][1:3] == (
        State.FAILED,
        "preparing digits for MobileNetV2: killed by SIGKILL",
    )
