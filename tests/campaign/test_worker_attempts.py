from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from harness.campaign import folder_limit, worker_attempts
from harness.campaign.events import Event, Remark
from harness.campaign.worker_attempts import Bench, Work
from harness.cells import Cell
from harness.executors import WHOLE, Cause, Devices, Ended
from harness.record_schema import WorkerOutcome
from harness.results_folder import MatrixFolder


@dataclass
class Stuck:
    """A fake worker that ends when it is stopped and not before; it is its own executor."""

    name: str = "fake"
    devices: Devices = Devices.OF_SLOT
    stops: int = 0

    def start(self, *_: Any, **__: Any) -> Stuck:
        return self

    def wait(self, timeout_s: float) -> Ended | None:
        assert timeout_s > 0
        return None

    def stop(self) -> Ended:
        self.stops += 1
        return Ended(exit_code=None, signal="SIGKILL", wall_s=90.0)


@dataclass
class Watched:
    """A search at work, the events that it told, and its clock."""

    work: Work
    worker: Stuck
    told: list[Event] = field(default_factory=list)
    now: float = 0.0


@pytest.mark.parametrize(
    ("devices", "is_our_machine", "is_our_software"),
    [(Devices.OF_HOST, True, True), (Devices.OF_SLOT, True, False), (Devices.ELSEWHERE, False, False)],
)
def test_of_a_worker_that_ended_without_a_word_no_more_is_said_than_what_it_shared_with_this_process(
    watched: Watched, devices: Devices, *, is_our_machine: bool, is_our_software: bool
) -> None:
    watched.worker.devices = devices
    facts = watched.work.bench.facts(WHOLE)
    assert ("cpu_model" in facts) is is_our_machine
    assert ("python" in facts, "lock_hash" in facts) == (is_our_software, is_our_software)


@pytest.fixture
def watched(tmp_path: Path, cell: Cell) -> Watched:
    worker, told = Stuck(), list[Event]()
    folder = MatrixFolder(tmp_path / "größe 1")
    bench = Bench(folder=folder, executor=worker, cache=tmp_path, watch=told.append)  # type: ignore[arg-type] # a fake
    mine = folder.cell(cell.id)
    mine.write_cell(cell)
    work = Work(cell=cell, folder=mine, program="search", bench=bench, slot=WHOLE)
    made = Watched(work, worker, told)
    work.clock = lambda: made.now
    work.begin()
    return made


def test_a_worker_that_has_left_its_outcome_and_does_not_end_is_ended_and_its_outcome_counts(watched: Watched) -> None:
    watched.work.folder.write_outcome({"status": "completed"})
    assert watched.work.poll(0.1) is None
    watched.now = worker_attempts.GRACE_S
    assert watched.work.poll(0.1) is None
    assert watched.told == []

    watched.now += 0.1
    left = watched.work.poll(0.1)

    assert left is not None
    assert left.outcome == WorkerOutcome(status="completed")
    assert (left.is_machine_trouble, watched.worker.stops) == (False, 1)
    said = f"{watched.work.folder.path}: its worker had left its outcome and did not end in 60 s; it was ended"
    assert watched.told == [Remark(text=said)]
    (attempt,) = watched.work.folder.attempts()
    assert attempt.told["forced"] is True


def test_a_worker_that_has_left_nothing_may_take_as_long_as_it_takes(watched: Watched) -> None:
    watched.now = 1e6

    assert watched.work.poll(0.1) is None
    assert watched.worker.stops == 0


def test_the_grace_begins_when_the_outcome_is_there(watched: Watched) -> None:
    watched.now = 1e6
    watched.work.folder.write_outcome({"status": "completed"})

    assert watched.work.poll(0.1) is None
    watched.now += worker_attempts.GRACE_S
    assert watched.work.poll(0.1) is None
    assert watched.worker.stops == 0


GIB = 2**30


def fill(path: Path, size_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size_bytes)


def test_a_worker_whose_folder_grows_beyond_its_limit_is_ended_and_told_of_it(watched: Watched) -> None:
    watched.work.bench = replace(watched.work.bench, folder_gib=2**20 / GIB)
    watched.work.begin()
    assert watched.work.poll(0.1) is None

    fill(watched.work.folder.checkpoints / "deep" / "1.npz", 2**21)
    watched.now += folder_limit.LOOK_S
    left = watched.work.poll(0.1)

    assert left is not None
    assert (left.ended.cause, left.is_machine_trouble, watched.worker.stops) == (Cause.FOLDER_LIMIT, False, 1)
    (attempt,) = watched.work.folder.attempts()
    said = "folder too large: its folder holds 0.0 GiB (0.0 GiB of it in checkpoints) and may hold 0.000976562"
    assert str(attempt.reason) == f"{said}; raise container.folder_gib"


def test_what_a_finished_search_leaves_is_not_held_against_it(watched: Watched) -> None:
    watched.work.bench = replace(watched.work.bench, folder_gib=2**20 / GIB)
    watched.work.begin()
    watched.work.folder.write_outcome({"status": "completed"})
    fill(watched.work.folder.checkpoints / "1.npz", 2**21)
    watched.now += worker_attempts.GRACE_S + 1

    assert watched.work.poll(0.1) is None
    watched.now += worker_attempts.GRACE_S + 1
    left = watched.work.poll(0.1)

    assert left is not None
    assert left.ended.cause is None
