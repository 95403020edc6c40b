"""Runs that share a results folder: in this process with fakes, and as processes that pass for hosts of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import cache_inventory
from harness.cache_inventory import key_of
from harness.campaign import cell_searches, claims, record_assembly
from harness.campaign.claims import Claims
from harness.campaign.events import CellEnds, EpochEnds, Event, Remark, State, ignore
from harness.campaign.run_time_allowance import STOPPING_S, UNLIMITED, Allowance
from harness.campaign.runs_at_work import LEASE_S, Machine, Presence
from harness.campaign.wave_runner import Runner
from harness.cells import Cell
from harness.record_schema import DataTable
from harness.records import CellFolder
from harness.results_folder import MatrixFolder
from harness.search_types import Trial

if TYPE_CHECKING:
    from tests.campaign.conftest import Bench, Script

Trained = Callable[..., Trial]
PATIENCE_S = 60.0
MATRIX = """\
seeds = [1, 2]
[budget]
epochs = 6
[protocol]
epochs_per_trial = 3
image_size = 32
[datasets.digits]
max_images = 100
[backbones.EfficientNetLite0]
weights = "none"
[tuners]
default = {}
optuna-tpe = {}
kt-random = {}
[hyperparameters."lr only"]
learning_rate = { low = 1e-4, high = 1e-1, log = true }
"""


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_searches, "LOOK_S", 0.01)


@dataclass
class Clock:
    """The clock of a fake host."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Sharer:
    """A run among several: fakes of its own on a fake host of its own, in a folder with others."""

    bench: Bench
    presence: Presence
    clock: Clock
    told: list[Event] = field(default_factory=list)
    also: Callable[[Event], None] = ignore

    @property
    def cells(self) -> Claims:
        return claims.of(self.bench.folder, "cells", self.presence)

    def watch(self, event: Event) -> None:
        self.told.append(event)
        self.also(event)

    def run(self, cells: Sequence[Cell], *, allowance: Allowance = UNLIMITED) -> dict[State, int]:
        runner = Runner(
            folder=self.bench.folder,
            executor=self.bench.executor,
            cache=self.bench.cache,
            watch=self.watch,
            presence=self.presence,
            allowance=allowance,
        )
        return dict(runner.run(cells, retry_failed=False))

    def waits_out_the_lease_of(self, other: Sharer) -> None:
        self.presence.life(other.presence.token)
        self.clock.now += LEASE_S + 1

    @property
    def remarks(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Remark)]

    @property
    def ends(self) -> list[tuple[str, State]]:
        return [(event.cell.names.tuner, event.state) for event in self.told if isinstance(event, CellEnds)]


@pytest.fixture
def sharer(bench: Bench, tmp_path: Path) -> Callable[[str], Sharer]:
    def made(name: str) -> Sharer:
        own, clock = type(bench)(tmp_path), Clock()
        run = Presence(folder=own.folder, machine=Machine(name, name), is_alone=False, token=name, clock=clock)
        run.beat()
        return Sharer(own, run, clock)

    return made


Sharers = Callable[[str], Sharer]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_one_run_that_shares_does_what_one_alone_does(
    sharer: Sharers, bench: Bench, cells: list[Cell], number: int
) -> None:
    one = sharer("one")

    assert one.run(cells[:number]) == ({State.OK: number} if number else {})

    for cell in cells[:number]:
        left = {path.name for path in bench.folder_of(cell).path.iterdir()}
        assert left == {"cell.json", "trials.jsonl", "record.json", "attempts.jsonl", "worker.log"}
    assert one.remarks == []


def test_runs_at_once_search_each_cell_once_and_count_all(
    sharer: Sharers, cells: list[Cell], does: type[Script]
) -> None:
    runs = [sharer(f"run {number}") for number in range(3)]
    for each in runs:
        each.bench.executor.will("search", *(does.succeed(progress=("0 1 9 0.1\n",) * 20) for _ in cells))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda each: each.run(cells), runs)) == [{State.OK: 3}] * 3

    searched = [tuner for each in runs for tuner in each.bench.searches]
    assert sorted(searched) == sorted(cell.names.tuner for cell in cells)
    assert [sorted(each.ends) for each in runs] == [sorted((tuner, State.OK) for tuner in searched)] * 3
    assert sum(program == "prepare" for each in runs for program, _ in each.bench.executor.started) == 1


def test_a_run_that_lost_a_cell_ends_its_worker_and_counts_what_the_other_found(
    sharer: Sharers, bench: Bench, cells: list[Cell], does: type[Script], trained: Trained
) -> None:
    stopped, other = sharer("stopped"), sharer("other")
    stopped.bench.executor.will("search", does.succeed(trained(0, 0.9), progress=("0 1 9 0.1\n",) * 5))

    def takes_over(event: Event) -> None:
        if isinstance(event, EpochEnds):
            stopped.also = ignore
            other.waits_out_the_lease_of(stopped)
            assert other.run(cells) == {State.OK: 3}

    stopped.also = takes_over

    assert stopped.run(cells) == {State.OK: 3}

    assert stopped.bench.executor.workers[-1].stopped
    assert len(stopped.remarks) == 1
    assert "taken over by another run" in stopped.remarks[0]
    assert [len(bench.folder_of(cell).attempts()) for cell in cells] == [1, 1, 1]
    assert [each.score for each in bench.folder_of(cells[0]).trials()] == [0.5]


def test_a_run_that_was_stopped_until_it_sealed_brings_nothing_home(
    sharer: Sharers, bench: Bench, cell: Cell, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, other = sharer("stopped"), sharer("other")
    found_there = replace(other.bench.executor._script("search", ""), trials=(trained(1, 0.6),))
    other.bench.executor.will("search", found_there)
    publish = record_assembly.publish

    def stops_first(cell: Cell, folder: CellFolder) -> None:
        if folder == stopped.cells.folder(cell.id) and not other.told:
            other.waits_out_the_lease_of(stopped)
            assert other.run([cell]) == {State.OK: 1}
        publish(cell, folder)

    monkeypatch.setattr(record_assembly, "publish", stops_first)

    assert stopped.run([cell]) == {State.OK: 1}

    assert len(stopped.remarks) == 1
    found = bench.folder_of(cell).sealed()
    assert found is not None
    assert (found.record.trials, found.record.attempts) == (2, 2)
    assert [path for path in (bench.folder.path / "at_work").rglob("*") if path.is_file()] == []


def test_what_one_machine_could_not_do_another_tries(sharer: Sharers, cell: Cell, does: type[Script]) -> None:
    broken, sound = sharer("broken"), sharer("sound")
    broken.bench.executor.will("search", does.have_trouble(), does.have_trouble())

    assert broken.run([cell]) == {State.MISSING: 1}
    assert sound.run([cell]) == {State.OK: 1}


def test_a_preparation_that_another_run_makes_is_waited_for(sharer: Sharers, cell: Cell) -> None:
    maker, waiter = sharer("maker"), sharer("waiter")
    made = claims.of(maker.bench.folder, "preparations", maker.presence)
    assert made.take(key_of(cell))

    def makes(cell: Cell) -> None:
        cache_inventory.mark_prepared(maker.bench.cache, key_of(cell), data=DataTable(), kept={})
        made.bring_home(key_of(cell))

    threading.Timer(0.3, makes, [cell]).start()

    assert waiter.run([cell]) == {State.OK: 1}

    assert waiter.bench.executor.started == [("search", "optuna-random")]


def test_where_data_could_not_be_prepared_the_cell_is_home_with_the_reason(
    sharer: Sharers, bench: Bench, cell: Cell, does: type[Script]
) -> None:
    one = sharer("one")
    one.bench.executor.will("prepare", does.crash("no"))

    assert one.run([cell]) == {State.MISSING: 1}

    (attempt,) = bench.folder_of(cell).attempts()
    assert attempt.reason is not None
    assert not one.cells.is_taken(cell.id)


def test_an_allowance_ends_the_waiting_for_others(sharer: Sharers, cell: Cell) -> None:
    holder, waiter = sharer("holder"), sharer("waiter")
    assert holder.cells.take(cell.id)
    ticks = iter(range(1000))
    allowance = Allowance(limit_s=STOPPING_S + 5.0, began=0.0, clock=lambda: float(next(ticks)))
    cache_inventory.mark_prepared(waiter.bench.cache, key_of(cell), data=DataTable(), kept={})

    assert waiter.run([cell], allowance=allowance) == {State.LEFT: 1}

    assert holder.cells.holds(cell.id)


class FakeHosts:
    """Processes that pass for hosts of their own (``fake_host.py``), on one matrix and one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.matrix = folder / "shared.toml"
        self.matrix.write_text(MATRIX, "utf-8")
        self.processes: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str, *, skew_s: float = 0.0, search_s: float = 0.2) -> subprocess.Popen[str]:
        program = [sys.executable, str(Path(__file__).with_name("fake_host.py"))]
        given = [name, str(skew_s), str(search_s), self.matrix, self.folder / "results", self.folder / name]
        # The benchmarks' folder is no installed package.
        seeing = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.processes[name] = subprocess.Popen(
            [*program, *map(str, given)], stdout=subprocess.PIPE, text=True, env=seeing
        )
        return self.processes[name]

    def await_line(self, name: str, beginning: str) -> None:
        out = self.processes[name].stdout
        assert out is not None
        assert any(line.startswith(beginning) for line in iter(out.readline, ""))

    def finish(self, name: str) -> list[str]:
        out, _ = self.processes[name].communicate(timeout=PATIENCE_S)
        assert self.processes[name].returncode == 0, out
        return out.splitlines()

    @property
    def results(self) -> MatrixFolder:
        return MatrixFolder(self.folder / "results" / "shared")

    def check(self) -> None:
        """See that each cell has one record, which is whole, and that nothing else is left."""
        planned = [cell.id for cell in self.results.plan()]
        assert self.results.cell_ids() == sorted(planned)
        assert len(planned) == 6
        for cell_id in planned:
            found = self.results.cell(cell_id).sealed()
            assert found is not None
            assert [trial.number for trial in found.trials] == [0]
        # What is derived is kept by whichever run first had something to derive.
        left = {path.name for path in self.results.path.iterdir()} - {".derived"}
        assert left == {"cells", "lock", "plan.json", "preparations"}


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[FakeHosts]:
    found = FakeHosts(tmp_path)
    yield found
    for process in found.processes.values():
        process.kill()
        process.communicate()


@pytest.mark.seconds
def test_two_hosts_with_skewed_clocks_and_no_locks_between_them_share_a_folder(hosts: FakeHosts) -> None:
    hosts.start("behind", skew_s=-1e6)
    hosts.start("ahead", skew_s=1e6)

    said = [hosts.finish(name) for name in ("behind", "ahead")]

    hosts.check()
    assert [lines[-1] for lines in said] == ["states {'ok': 6}"] * 2
    begun = Counter(line for lines in said for line in lines if line.startswith("begins"))
    assert begun == dict.fromkeys(("begins default", "begins optuna-tpe", "begins kt-random"), 2)
    assert all(any(line.startswith("begins") for line in lines) for lines in said)


@pytest.mark.seconds
def test_the_cells_of_a_killed_host_are_taken_over(hosts: FakeHosts) -> None:
    hosts.start("killed", search_s=30.0)
    hosts.await_line("killed", "begins")
    hosts.start("living", skew_s=5.0)
    hosts.processes["killed"].kill()

    said = hosts.finish("living")

    hosts.check()
    assert said[-1] == "states {'ok': 6}"


@pytest.mark.seconds
def test_a_host_that_stood_still_and_goes_on_finds_its_cell_taken_over(hosts: FakeHosts) -> None:
    hosts.start("still", search_s=1.0)
    hosts.await_line("still", "begins")
    hosts.processes["still"].send_signal(signal.SIGSTOP)
    hosts.start("living")
    hosts.finish("living")

    hosts.processes["still"].send_signal(signal.SIGCONT)
    said = hosts.finish("still")

    hosts.check()
    assert said[-1] == "states {'ok': 6}"
    assert [line for line in said if line.startswith("remark") and "taken over" in line] != []
