"""What every executor promises: see docs/add-an-executor.md."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness import environment
from harness.cells import Cell, Names, SourceTable, WeightsTable
from harness.executors import WHOLE, Ended, Running, Slot
from harness.executors.own_executor import Starts
from harness.matrix_schema import Backbone, Budget, Dataset, Protocol, TunerSection
from harness.records import CellFolder

PATIENCE_S = 120.0
"""Seconds that a worker may take to begin, or to end."""

_LOOK_S = 0.05
# Clocks of two processes may differ by their last digits, and a process's own start is known to a hundredth.
_CLOCKS_APART_S = 0.03
_LONG_S = 600.0
_ENDS = (("exit_code", 3), ("signal", "SIGSEGV"), ("signal", "SIGKILL"))
CELL = Cell(
    names=Names(dataset="digits", backbone="MobileNetV2", tuner="default", hyperparameters="none"),
    dataset=Dataset(source="digits"),
    source=SourceTable(content_hash="0" * 64),
    backbone=Backbone(model="MobileNetV2", weights="none"),
    weights=WeightsTable(sha256=None),
    tuner=TunerSection(tuner="default"),
    domains={},
    budget=Budget(epochs=1),
    protocol=Protocol(),
    seed=0,
    environment="0" * 64,
    code="0" * 64,
)
"""What a worker is at; of its files, none is asked for."""
_NONE = {"exit_code": None, "signal": None}


@dataclass(frozen=True, slots=True)
class ProbeFolder:
    """A cell's folder for a worker that is to say where it is, and to end as it is told to."""

    path: Path
    cache: Path
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        """Make it."""
        CellFolder(self.path).write_cell(CELL)
        self.cache.mkdir(exist_ok=True)
        object.__setattr__(self, "log", self.path / "worker.log")

    def started(self, executor: Starts, *, slot: Slot = WHOLE, asked: Mapping[str, object]) -> Running:
        """Return a worker at what is asked of it, by the keys of ``harness.worker.executor_probe``."""
        (self.path / "probe.json").write_text(json.dumps(asked), "utf-8")
        return executor.start("probe", self.path, cache=self.cache, log=self.log, slot=slot)

    def said(self) -> Mapping[str, object]:
        """Return what the worker left."""
        said: Mapping[str, object] = json.loads((self.path / "outcome.json").read_text("utf-8"))
        return said

    def awaits(self, name: str, *, of: Running | None = None) -> None:
        """Wait for a file of the worker's; where it is given, for its end meanwhile, as a run does all the time."""
        until = time.monotonic() + PATIENCE_S
        while not (self.path / name).exists():
            assert time.monotonic() < until, f"no {name} after {PATIENCE_S:g} s"
            assert of is None or of.wait(0.0) is None, f"ended without {name}"
            time.sleep(_LOOK_S)

    def beats(self) -> Mapping[str, int]:
        """Return when the worker and its child were last seen alive."""
        return {path.name: path.stat().st_mtime_ns for path in self.path.glob("*beat")}


class ExecutorContract:
    """What every executor promises; derive from it in a test file, and define ``create``."""

    slots: tuple[Slot, ...] = (WHOLE,)
    """What workers are started on; where there are several, they are tried side by side."""

    def create(self, campaign: Path) -> Starts:
        """Return a new executor, as the file's ``create`` does."""
        raise NotImplementedError

    def room(self) -> Path:
        """Return a folder that the host and the workers both see; for another machine's a shared one."""
        return Path(tempfile.gettempdir())

    def test_a_worker_does_its_program_and_leaves_its_outcome(self) -> None:
        """It is what the executor says that its workers are, else what this Python is, and reads the cache."""
        with self._tried() as (executor, folder):
            ended = _awaited(folder.started(executor, asked={}))
            assert (ended.exit_code, ended.signal, ended.cause) == (0, None, None), ended
            said = folder.said()
            identity = getattr(executor, "identity", environment.identity)()
            assert said["identity"] == {"environment": identity.environment, "code": identity.code}
            assert said["reads_cache"]

    def test_seconds_are_durations_that_fit_into_each_other(self) -> None:
        """What the worker counts and what had passed before lie within what was seen from outside."""
        with self._tried() as (executor, folder):
            began = time.monotonic()
            ended = _awaited(folder.started(executor, asked={"waits_s": 0.2}))
            took_s, lived_s = time.monotonic() - began, folder.said()["lived_s"]
            assert isinstance(lived_s, float)
            assert lived_s > 0.2
            assert ended.launch_s >= 0
            assert lived_s + ended.launch_s <= ended.wall_s + _CLOCKS_APART_S
            assert ended.wall_s <= took_s + _CLOCKS_APART_S

    def test_exit_codes_and_signals_are_told_apart(self) -> None:
        """A crash inside a library is the search's own end; a kill from outside is the machine's trouble."""
        with self._tried() as (executor, folder):
            for number, (key, value) in enumerate(_ENDS):
                own = ProbeFolder(folder.path / str(number), folder.cache)
                ended = _awaited(own.started(executor, asked={key: value}))
                assert {"exit_code": ended.exit_code, "signal": ended.signal} == {**_NONE, key: value}, ended
                assert not (own.path / "outcome.json").exists()

    def test_what_a_worker_prints_is_added_to_its_log(self) -> None:
        """Of a worker before it nothing is lost, and letters stay what they are."""
        with self._tried() as (executor, folder):
            folder.log.write_text("an earlier line\n", "utf-8")
            _awaited(folder.started(executor, asked={"says": "größe ✓"}))
            lines = folder.log.read_text("utf-8").splitlines()
            assert lines[0] == "an earlier line"
            assert "größe ✓" in lines

    def test_it_is_waited_for_no_longer_than_asked_and_its_end_is_told_again(self) -> None:
        """Waiting in vain answers None in time; once it has ended, every answer is the same."""
        with self._tried() as (executor, folder):
            running = folder.started(executor, asked={"waits_s": 1.0})
            began = time.monotonic()
            assert running.wait(0.05) is None
            assert time.monotonic() - began < 1.0
            ended = _awaited(running)
            assert running.wait(0.0) == running.stop() == ended

    def test_a_worker_that_is_stopped_is_gone_with_all_that_it_started(self) -> None:
        """Whatever is left would take its processors from the next."""
        with self._tried() as (executor, folder):
            running = folder.started(executor, asked={"waits_s": _LONG_S, "has_child": True})
            for name in ("beat", "child-beat"):
                folder.awaits(name, of=running)
            ended = running.stop()
            assert ended.exit_code != 0
            left = folder.beats()
            time.sleep(4 * _LOOK_S)
            assert folder.beats() == left

    def test_a_worker_is_held_to_its_slot_and_told_of_the_others(self) -> None:
        """It runs on the slot's processors alone, and knows how many cells are at work at once."""
        with self._tried() as (executor, folder):
            for number, slot in enumerate(self.slots):
                own = ProbeFolder(folder.path / str(number), folder.cache)
                _awaited(own.started(executor, slot=slot, asked={}))
                said = own.said()
                assert said["at_once"] == slot.at_once
                assert slot.cpus is None or said["cpus"] == sorted(slot.cpus)

    def test_workers_on_several_slots_are_at_work_at_once(self) -> None:
        """None waits for another."""
        with self._tried() as (executor, folder):
            owns = [ProbeFolder(folder.path / str(number), folder.cache) for number in range(len(self.slots))]
            places = zip(owns, self.slots, strict=True)
            running = [own.started(executor, slot=slot, asked={"waits_s": _LONG_S}) for own, slot in places]
            for own, worker in zip(owns, running, strict=True):
                own.awaits("beat", of=worker)
            for each in running:
                each.stop()

    @contextmanager
    def _tried(self) -> Iterator[tuple[Starts, ProbeFolder]]:
        """Give an executor and a folder whose name is as names are; end what is left."""
        with tempfile.TemporaryDirectory(dir=self.room()) as place:
            campaign = Path(place, "a mätrix")
            executor = self.create(campaign)
            try:
                yield executor, ProbeFolder(campaign / "cells" / "0123456789abcdef", Path(place, "a cache"))
            finally:
                close = getattr(executor, "close", None)
                if close is not None:
                    close()


def _awaited(running: Running) -> Ended:
    ended = running.wait(PATIENCE_S)
    assert ended is not None, f"still at work after {PATIENCE_S:g} s"
    return ended
