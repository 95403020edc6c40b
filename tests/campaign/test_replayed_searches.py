"""Replays many to a process: a search that ends badly is told as ever, and takes no other along."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.perf import made_curves
from harness import prices
from harness.campaign import curve_replay
from harness.campaign.events import CellEnds, Event, State, Watch, ignore
from harness.campaign.limits import NONE
from harness.campaign.run import Request, Run
from harness.executors import WHOLE, Slot
from harness.placement.executor_choice import Where
from harness.record_schema import Attempt
from harness.records import Record
from harness.results_folder import MatrixFolder

pytestmark = [pytest.mark.slow, pytest.mark.train]

Replay = Callable[..., Run]

# What each does at its second ask; a module's memory is that of one search.
OWN = """\
import os, signal, sys, time
from harness.search_types import Proposal

asked = []

class Tuner:
    def __init__(self, space, deed):
        self.space, self.deed = space, deed
    def ask(self):
        asked.append(1)
        if len(asked) == 2:
            {"raise": lambda: 1 / 0, "exit": lambda: sys.exit(3), "leave": lambda: os._exit(7),
             "die": lambda: os.kill(os.getpid(), signal.SIGABRT), "hang": lambda: time.sleep(3600),
             "stop": lambda: None}[self.deed]()
        if len(asked) > 2:
            return None
        return Proposal(parameters=self.space.defaults, last_epoch=2)
    def report(self, proposal, epoch, score):
        return False
    def tell(self, trial):
        pass

def create(space, *, seed, epochs_per_trial, deed="stop"):
    return Tuner(space, deed)
"""


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    (tmp_path / "own.py").write_text(OWN, "utf-8")

    def run(*deeds: str, seeds: int = 2, slots: tuple[Slot, ...] = (WHOLE,), watch: Watch = ignore) -> Run:
        own: made_curves.Sections = {
            deed: {"tuner": "file", "path": "own.py", "options": {"deed": deed}} for deed in deeds
        }
        asked = made_curves.declared(
            seeds=2,
            epochs=12,
            grid=made_curves.SMALL_GRID,
            tuners={"optuna-random": {}, "kt-random": {}, **own},
            base=tmp_path,
        )
        tables = made_curves.write(tmp_path, asked)
        where = Where(executor="local")
        request = Request(
            results=tmp_path / "results",
            cache=tmp_path / "cache",
            where=where,
            prices=prices.load(None),
            limits=NONE,
            mix_environments=True,
            replay_slots=slots,
        )
        return curve_replay.replay(tables, request, seeds=seeds, thinking="none", watch=watch)

    return run


def records(ran: Run) -> dict[tuple[str, int], tuple[Record, list[Attempt]]]:
    folder = MatrixFolder(ran.path)
    found = {}
    for cell in folder.plan():
        sealed = folder.cell(cell.id).sealed()
        assert sealed is not None
        found[cell.tuner, cell.seed] = sealed.record, folder.cell(cell.id).attempts()
    return found


def test_a_finished_search_is_as_any_other_and_is_not_replayed_again(replay: Replay) -> None:
    first = records(replay(seeds=1))
    record, attempts = first["optuna-random", 1]
    assert (record.status, record.ended, record.attempts, record.trials) == ("completed", "budget: epochs", 1, 2)
    assert [attempt.program for attempt in attempts] == ["replay"]

    ends: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, CellEnds):
            ends.append(f"{event.cell.names.tuner} {event.cell.seed}")

    second = records(replay(watch=watch))
    assert sorted(ends) == ["kt-random 2", "optuna-random 2"]
    assert {name: second[name] for name in first} == first


def test_a_tuner_that_breaks_is_booked_as_failed_and_no_other_with_it(replay: Replay) -> None:
    ran = replay("stop", "raise", "exit", "leave", "die")

    assert dict(ran.states) == {State.OK: 6, State.FAILED: 8}
    reasons = {tuner: record.reason for (tuner, _), (record, _) in records(ran).items()}
    assert (reasons["stop"], reasons["kt-random"]) == (None, None)
    assert str(reasons["raise"]).startswith("crash: ZeroDivisionError: division by zero")
    assert str(reasons["exit"]).startswith("exit code 1: SystemExit: 3")
    assert str(reasons["leave"]).startswith("exit code 7")
    assert str(reasons["die"]).startswith("killed by SIGABRT")
    assert all(record.trials == 1 for (tuner, _), (record, _) in records(ran).items() if tuner in ("raise", "die"))


def test_a_tuner_that_hangs_holds_up_none_but_itself_and_ends_with_the_run(replay: Replay, tmp_path: Path) -> None:
    ended: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, CellEnds):
            ended.append(event.cell.names.tuner)
            if len(ended) == len(["optuna-random", "kt-random"]):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(
            "hang", seeds=1, slots=(Slot(at_once=2), Slot(at_once=2, cpus=tuple(os.sched_getaffinity(0)))), watch=watch
        )

    assert sorted(ended) == ["kt-random", "optuna-random"]
    folder = MatrixFolder(tmp_path / "results" / "made-replayed")
    assert len([cell for cell in folder.plan() if folder.cell(cell.id).is_sealed]) == 2
    assert not (folder.path / "replaying").exists()
