from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.campaign import claims
from harness.campaign.claims import Shared, Unshared
from harness.campaign.runs_at_work import LEASE_S, Machine, Presence
from harness.records import CellFolder
from harness.results_folder import MatrixFolder
from harness.search_types import Trial

Trained = Callable[..., Trial]
CELL = "ab12"


@dataclass
class Clock:
    """The clock of a fake host, which nobody else's knows anything of."""

    now: float

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Host:
    """A run on a host of its own, whose locks and clock the others don't see."""

    claims: Shared
    clock: Clock

    @property
    def run(self) -> Presence:
        return self.claims.run

    def waits_out_the_lease_of(self, other: Host) -> None:
        """Watch for so long that a run that doesn't beat is dead."""
        self.run.life(other.run.token)
        self.clock.now += LEASE_S + 1


Hosts = Callable[..., Host]


@pytest.fixture
def folder(tmp_path: Path) -> MatrixFolder:
    return MatrixFolder(tmp_path / "ä matrix")


@pytest.fixture
def host(folder: MatrixFolder) -> Hosts:
    def made(name: str, *, skew_s: float = 0.0) -> Host:
        clock = Clock(skew_s)
        run = Presence(folder=folder, machine=Machine(name, name), is_alone=False, clock=clock, token=name)
        run.beat()
        found = claims.of(folder, "cells", run)
        assert isinstance(found, Shared)
        return Host(found, clock)

    return made


@pytest.fixture
def home(folder: MatrixFolder) -> CellFolder:
    return folder.cell(CELL)


def seal(folder: CellFolder) -> None:
    # What is in a record is nobody's business here.
    (folder.path / "record.json").write_text("{}")


def test_a_run_that_is_alone_works_where_cells_are_kept(folder: MatrixFolder, home: CellFolder) -> None:
    found = claims.of(folder, "cells", None)

    assert found == Unshared(folder.path / "cells")
    assert found == claims.of(folder, "cells", Presence(folder=folder))
    assert found.folder(CELL) == home
    assert (found.take(CELL), found.holds(CELL), found.bring_home(CELL)) == (True, True, True)
    assert (found.is_taken(CELL), found.is_finished(CELL)) == (False, False)


def test_of_many_runs_that_want_a_cell_at_once_one_gets_it(host: Hosts) -> None:
    runs = [host(f"host {number}").claims for number in range(8)]
    for name in map(str, range(20)):
        with ThreadPoolExecutor(len(runs)) as pool:
            took = list(pool.map(lambda each: each.take(name), runs))  # noqa: B023 - ended within the loop
        assert took.count(True) == 1
        assert [each.holds(name) for each in runs] == took
        assert [each.is_taken(name) for each in runs] == [not mine for mine in took]


def test_a_cell_that_was_begun_by_a_run_alone_is_gone_on_with_and_brought_home(
    host: Hosts, home: CellFolder, trained: Trained
) -> None:
    home.path.mkdir(parents=True)
    home.append(trained(0, 0.5))
    (home.path / "lock").touch()
    held = (home.path / "lock").stat()
    first = host("first").claims

    assert first.take(CELL)
    work = first.folder(CELL)
    assert work.path.name == CELL
    assert [trial.number for trial in work.trials()] == [0]
    assert not os.path.samestat(held, (work.path / "lock").stat())
    work.append(trained(1, 0.6))
    seal(work)
    assert first.bring_home(CELL)

    assert [trial.number for trial in home.trials()] == [0, 1]
    assert not first.take(CELL)
    assert not host("second").claims.take(CELL)
    assert list(first.at_work.iterdir()) == []


@pytest.mark.parametrize("skew_s", [-1e9, 0.0, 1e9])
def test_the_cell_of_a_dead_run_is_taken_over_after_its_lease_with_its_trials_and_weights(
    host: Hosts, trained: Trained, skew_s: float
) -> None:
    dead, other = host("dead"), host("other", skew_s=skew_s)
    assert dead.claims.take(CELL)
    left = dead.claims.folder(CELL)
    left.append(trained(0, 0.5))
    left.checkpoints.mkdir()
    (left.checkpoints / "trial-00000.npz").write_bytes(b"weights")

    assert not other.claims.take(CELL)
    other.clock.now += LEASE_S - 1
    assert not other.claims.take(CELL)
    other.clock.now += 2
    assert other.claims.take(CELL)

    assert [trial.number for trial in other.claims.folder(CELL).trials()] == [0]
    assert (other.claims.folder(CELL).checkpoints / "trial-00000.npz").read_bytes() == b"weights"


def test_a_run_that_beats_keeps_its_cell_for_ever(host: Hosts) -> None:
    alive, other = host("alive"), host("other")
    assert alive.claims.take(CELL)

    for _ in range(5):
        assert not other.claims.take(CELL)
        other.clock.now += LEASE_S
        alive.run.beat()

    assert alive.claims.bring_home(CELL)
    assert other.claims.take(CELL)


def test_a_run_that_was_stopped_and_goes_on_does_no_harm_nor_does_its_worker(
    host: Hosts, home: CellFolder, trained: Trained
) -> None:
    stopped, other = host("stopped"), host("other")
    assert stopped.claims.take(CELL)
    work = stopped.claims.folder(CELL)
    work.append(trained(0, 0.5))
    with (work.path / "trials.jsonl").open("ab") as late:
        other.waits_out_the_lease_of(stopped)
        assert other.claims.take(CELL)
        late.write(b"too late")

    assert not stopped.claims.holds(CELL)
    with pytest.raises(FileNotFoundError):
        work.append(trained(1, 0.9))
    work.write_outcome({"status": "completed"})
    seal(work)
    assert not stopped.claims.bring_home(CELL)
    assert not home.path.exists()
    assert not work.path.exists()

    theirs = other.claims.folder(CELL)
    theirs.append(trained(1, 0.6))
    seal(theirs)
    assert other.claims.bring_home(CELL)
    assert [trial.score for trial in home.trials()] == [0.5, 0.6]


def test_a_worker_that_writes_by_the_folder_that_it_was_given_reaches_nothing_of_whoever_took_over(
    host: Hosts, trained: Trained
) -> None:
    # As in a container, whose mount goes where the folder goes.
    stopped, other = host("stopped"), host("other")
    assert stopped.claims.take(CELL)
    stopped.claims.folder(CELL).append(trained(0, 0.5))
    mounted = os.open(stopped.claims.folder(CELL).path, os.O_RDONLY)
    other.waits_out_the_lease_of(stopped)
    assert other.claims.take(CELL)

    with pytest.raises(FileNotFoundError):
        os.close(os.open("trials.jsonl", os.O_WRONLY | os.O_CREAT, dir_fd=mounted))
    os.close(mounted)

    assert len(other.claims.folder(CELL).trials()) == 1


def test_of_two_runs_that_find_an_owner_dead_one_gets_the_cell(host: Hosts) -> None:
    dead, *others = (host(name) for name in ("dead", "one", "two", "three"))
    assert dead.claims.take(CELL)
    for other in others:
        other.waits_out_the_lease_of(dead)

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(lambda each: each.claims.take(CELL), others)) == [False, False, True]


def test_what_was_sealed_before_its_run_died_is_brought_home_and_not_searched_again(
    host: Hosts, home: CellFolder
) -> None:
    dead, other = host("dead"), host("other")
    assert dead.claims.take(CELL)
    seal(dead.claims.folder(CELL))
    other.waits_out_the_lease_of(dead)

    assert not other.claims.take(CELL)

    assert home.is_sealed
    assert other.claims.is_finished(CELL)


def test_a_record_that_a_network_file_system_showed_too_late_is_not_overwritten(
    host: Hosts, home: CellFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = host("late").claims
    assert late.take(CELL)
    seal(late.folder(CELL))
    home.path.mkdir(parents=True)
    (home.path / "record.json").write_text("the first")
    monkeypatch.setattr(Shared, "is_finished", lambda *_: False)

    assert not late.bring_home(CELL)

    assert (home.path / "record.json").read_text() == "the first"
    assert list(late.at_work.iterdir()) == []


def test_a_run_alone_brings_home_what_killed_runs_that_shared_had_claimed(
    host: Hosts, folder: MatrixFolder, home: CellFolder, trained: Trained
) -> None:
    killed = host("killed")
    assert killed.claims.take(CELL)
    assert killed.claims.take("cd34")
    killed.claims.folder(CELL).append(trained(0, 0.5))
    shutil.rmtree(killed.run.path)

    claims.bring_all_home(folder, Presence(folder=folder))

    assert len(home.trials()) == 1
    assert not (folder.path / "at_work").exists()


def test_what_a_run_has_not_finished_is_home_when_it_lets_go_and_others_keep_theirs(
    host: Hosts, folder: MatrixFolder, home: CellFolder, trained: Trained
) -> None:
    going, staying = host("going"), host("staying")
    assert going.claims.take(CELL)
    assert staying.claims.take("cd34")
    going.claims.folder(CELL).append(trained(0, 0.5))

    claims.let_go(folder, going.run)

    assert len(home.trials()) == 1
    assert staying.claims.holds("cd34")
    assert not staying.claims.is_taken(CELL)


def test_what_dead_runs_left_beside_finished_cells_goes_with_the_run_that_lets_go(
    host: Hosts, folder: MatrixFolder, home: CellFolder
) -> None:
    dead, alive, going = host("dead"), host("alive"), host("going")
    assert dead.claims.take(CELL)
    assert alive.claims.take("cd34")
    seal(home_of(home))
    going.waits_out_the_lease_of(dead)
    alive.run.beat()

    claims.let_go(folder, going.run)

    assert [path.name for path in going.claims.at_work.iterdir()] == ["cd34"]
    assert going.run.others() == ["alive"]


def home_of(folder: CellFolder) -> CellFolder:
    folder.path.mkdir(parents=True)
    return folder


class Killed(BaseException):
    """A fake kill."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let the process be killed before its so many-th change of the disk; give the changes that it made."""
    made: list[str] = []

    def watched(name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            if len(made) >= step:
                raise Killed
            made.append(name)
            return change(*given, **more)

        return call

    with monkeypatch.context() as patched:
        for owner, name in ((os, "unlink"), (os, "rmdir"), (os, "link"), (os, "mkdir"), (os, "rename")):
            patched.setattr(owner, name, watched(name, getattr(owner, name)))
        patched.setattr(shutil, "copyfile", watched("copyfile", shutil.copyfile))
        yield made


def works_at(host: Host, trial: Trial) -> None:
    """Go on with the cell from whatever there is of it, and bring it home with its one trial."""
    if host.claims.take(CELL):
        work = host.claims.folder(CELL)
        if not work.trials():
            work.append(trial)
        assert (work.checkpoints / "trial-00000.npz").exists()
        seal(work)
        host.claims.bring_home(CELL)


def is_killed(host: Host, trial: Trial, step: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Let a host work at the cell until its so many-th change of the disk; return whether it came so far."""
    try:
        with killed_at(step, monkeypatch) as made:
            works_at(host, trial)
    except Killed:
        return True
    # What rmtree leaves where it is killed, it passes over.
    return len(made) >= step


def test_wherever_a_run_is_killed_another_goes_on_from_all_that_there_was(
    host: Hosts, home: CellFolder, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = 0
    is_any_killed = True
    while is_any_killed:
        for path in (home.path, home.path.parents[1] / "at_work"):
            shutil.rmtree(path, ignore_errors=True)
        home.checkpoints.mkdir(parents=True)
        (home.checkpoints / "trial-00000.npz").write_bytes(b"weights")
        home.append(trained(0, 0.5))
        first, second, third = (host(f"{name} {step}") for name in ("first", "second", "third"))

        # The second is killed while it is at what the first one left.
        is_any_killed = is_killed(first, trained(0, 0.1), step, monkeypatch)
        second.waits_out_the_lease_of(first)
        is_any_killed |= is_killed(second, trained(0, 0.1), step // 2, monkeypatch)
        third.waits_out_the_lease_of(first)
        third.waits_out_the_lease_of(second)
        works_at(third, trained(0, 0.1))
        # Where only remains were in the way, they are gone now.
        works_at(third, trained(0, 0.1))

        assert home.is_sealed, step
        assert [trial.score for trial in home.trials()] == [0.5], step
        step += 1
    assert step > 20
