"""A campaign whose workers are fakes: they leave files as real ones do, in this process and on a clock of their own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from harness import environment
from harness.campaign.events import (
    CellBegins,
    CellDisturbed,
    CellEnds,
    DataKnown,
    EpochEnds,
    Event,
    PreparationBegins,
    Remark,
    State,
    WaveBegins,
)
from harness.campaign.wave_runner import Runner
from harness.cells import Cell
from harness.environment import Identity
from harness.executors import WHOLE, Cause, Devices, Ended, Slot
from harness.records import CellFolder
from harness.results_folder import MatrixFolder
from harness.search_types import Epoch, Outcome, Trial

SETUP = {"startup": 3.0, "data": 0.5, "build": 1.0}
TRIAL = {"ask": 0.25, "train": 2.0, "evaluate": 1.0, "tell": 0.125}
CLOSING = {"ask": 0.0625, "checkpoint": 0.0625}
SHUTDOWN_S = 0.5


def trial(number: int, *scores: float, **changes: Any) -> Trial:
    epochs = tuple(
        Epoch(epoch=count, val_score=score, loss=1.0, train_s=1.0, evaluate_s=0.5)
        for count, score in enumerate(scores, 1)
    )
    plain = Trial(
        number=number,
        parameters={"learning_rate": 0.01, "batch_size": 32, "dropout": 0.0},
        first_epoch=1,
        last_epoch=max(1, len(scores)),
        parent=None,
        outcome=Outcome.COMPLETED,
        epochs=epochs,
        phases=TRIAL,
        charged_epochs=len(scores),
    )
    return replace(plain, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What one fake worker does: trials and progress as it goes, an outcome if it has the time, an end."""

    trials: tuple[Trial, ...] = ()
    outcome: dict[str, Any] | None = None
    exit_code: int | None = 0
    signal: str | None = None
    progress: tuple[str, ...] = ()
    log: str = ""
    cause: Cause | None = None
    launch_s: float = 0.0
    torn: bool = False

    @classmethod
    def succeed(cls, *trials: Trial, **changes: Any) -> Script:
        outcome: dict[str, Any] = {
            "status": "completed",
            "ended": "budget: epochs",
            "setup_phases": SETUP,
            "closing_phases": CLOSING,
        }
        return cls(**{"trials": trials or (trial(0, 0.5),), "outcome": outcome, **changes})

    @classmethod
    def fail(cls, reason: str, **changes: Any) -> Script:
        return cls(**{"outcome": {"status": "failed", "reason": reason}, "exit_code": 1, **changes})

    @classmethod
    def crash(cls, reason: str) -> Script:
        return cls(outcome={"status": "failed", "crashed": True, "reason": f"crash: {reason}"}, exit_code=1)

    @classmethod
    def have_trouble(cls, log: str = "the disk is away") -> Script:
        return cls(exit_code=75, log=log)

    @classmethod
    def be_killed(cls, *trials: Trial, by: str = "SIGKILL") -> Script:
        return cls(exit_code=None, signal=by, trials=trials)

    @classmethod
    def be_ended(cls, cause: Cause, *trials: Trial) -> Script:
        return cls(exit_code=None, cause=cause, trials=trials)

    @classmethod
    def say_nothing(cls, exit_code: int, log: str = "") -> Script:
        return cls(exit_code=exit_code, log=log)

    @property
    def wall_s(self) -> float:
        """How long such a worker lives."""
        trials = sum(sum(each.phases.values()) for each in self.trials)
        return self.launch_s + sum(SETUP.values()) + trials + sum(CLOSING.values()) + SHUTDOWN_S


@dataclass
class FakeRunning:
    """A worker at work: each wait that is in vain leaves a line of progress; the last leaves all the rest."""

    script: Script
    folder: CellFolder
    executor: FakeExecutor
    started: float
    left: list[str]
    slot: Slot = WHOLE
    program: str = "search"
    stopped: bool = False

    def wait(self, timeout_s: float) -> Ended | None:
        assert timeout_s > 0
        if self.executor.interrupts_at == len(self.left):
            raise KeyboardInterrupt
        if self.left:
            with self.folder.progress.open("a", encoding="utf-8") as stream:
                stream.write(self.left.pop(0))
            return None
        return self._end()

    def stop(self) -> Ended:
        self.stopped = True
        if self.executor.interrupts_stopping:
            self.executor.interrupts_stopping = False
            raise KeyboardInterrupt
        return self._ended(None, "SIGTERM", 1.0)

    def _end(self) -> Ended:
        script = self.script
        for each in script.trials:
            self.folder.append(each)
        self.folder.scratch.mkdir(exist_ok=True)
        self.folder.checkpoints.mkdir(exist_ok=True)
        if script.outcome is not None:
            lived_s = script.wall_s - script.launch_s - SHUTDOWN_S
            known = {"lived_s": lived_s} if script.outcome["status"] == "completed" else {}
            self.folder.write_outcome({**script.outcome, **known})
        if script.torn:
            (self.folder.path / "outcome.json").write_text('{"status": "comp')
        return self._ended(script.exit_code, script.signal, script.wall_s)

    def _ended(self, exit_code: int | None, name: str | None, wall_s: float) -> Ended:
        assert name is None or signal.Signals[name]
        self.executor.at_work.remove(self)
        self.executor.now = self.started + wall_s
        return Ended(
            exit_code=exit_code,
            signal=name,
            wall_s=wall_s,
            launch_s=self.script.launch_s,
            cause=self.script.cause,
            detail=None if self.script.cause is None else "seen from outside",
            evidence={"oom_killed": self.script.cause is Cause.OUT_OF_MEMORY},
        )


@dataclass
class FakeExecutor:
    """Starts scripted workers; those that no script was given for succeed.

    It bears no two workers on one slot, and no preparation beside anything.
    """

    scripts: dict[str, list[Script]] = field(default_factory=dict)
    started: list[tuple[str, str]] = field(default_factory=list)
    workers: list[FakeRunning] = field(default_factory=list)
    at_work: list[FakeRunning] = field(default_factory=list)
    most_at_work: int = 0
    interrupts_stopping: bool = False
    interrupts_at: int | None = None
    now: float = 1000.0
    name: str = "fake"
    devices: Devices = Devices.OF_SLOT

    def will(self, key: str, *scripts: Script) -> None:
        """Give scripts to a program (``search``, ``prepare``) or to the cells of a tuner's name, in order."""
        self.scripts[key] = list(scripts)

    def identity(self) -> Identity:
        return environment.identity()

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot) -> FakeRunning:
        assert cache.is_absolute()
        cell_folder = CellFolder(folder)
        assert cell_folder.outcome() is None
        name = cell_folder.cell().names.tuner
        self.started.append((program, name))
        script = self._script(program, name)
        with log.open("a", encoding="utf-8") as stream:
            stream.write(script.log)
        running = FakeRunning(script, cell_folder, self, self.now, list(script.progress), slot, program)
        assert slot not in [other.slot for other in self.at_work]
        assert "prepare" not in {other.program for other in self.at_work} | ({program} if self.at_work else set())
        self.workers.append(running)
        self.at_work.append(running)
        self.most_at_work = max(self.most_at_work, len(self.at_work))
        return running

    def _script(self, program: str, name: str) -> Script:
        keys = [program] if program == "prepare" else [name, program]
        found = next((self.scripts[key] for key in keys if self.scripts.get(key)), None)
        if found is not None:
            return found.pop(0)
        trials = () if program == "prepare" else (trial(0, 0.5),)
        return replace(Script.succeed(), trials=trials)


_TUNER = attrgetter("cell.names.tuner")
TOLD: dict[type[Event], tuple[str, Sequence[Callable[[Event], Any]]]] = {
    WaveBegins: ("begins", [attrgetter("total"), attrgetter("finished")]),
    PreparationBegins: ("prepares", [attrgetter("cell.names.dataset")]),
    DataKnown: ("data", [attrgetter("dataset"), attrgetter("facts")]),
    CellBegins: ("cell_begins", [_TUNER]),
    EpochEnds: ("cell_advances", [_TUNER, attrgetter("progress")]),
    CellDisturbed: ("cell_was_disturbed", [_TUNER, attrgetter("by")]),
    Remark: ("remark", [attrgetter("text")]),
    CellEnds: ("cell_ends", [_TUNER, *map(attrgetter, ("state", "reason", "best_score", "wall_s"))]),
}


@dataclass
class FakeWatcher:
    """Remembers what it was told; may be interrupted while it is told of an epoch."""

    told: list[tuple[Any, ...]] = field(default_factory=list)
    interrupted: bool = False
    has_a_bug: bool = False

    def __call__(self, event: Event) -> None:
        name, values = TOLD[type(event)]
        self.told.append((name, *(value(event) for value in values)))
        if self.interrupted and isinstance(event, EpochEnds):
            raise KeyboardInterrupt
        if self.has_a_bug and isinstance(event, CellEnds):
            raise ZeroDivisionError("a bug")

    def heard(self, what: str) -> list[tuple[Any, ...]]:
        return [event[1:] for event in self.told if event[0] == what]


class Bench:
    """A runner with its fakes, on a results folder of its own."""

    def __init__(self, path: Path) -> None:
        self.folder = MatrixFolder(path / "results" / "ä matrix")
        self.cache = path / "cache"
        self.executor = FakeExecutor()
        self.watcher = FakeWatcher()

    def run(
        self, cells: Sequence[Cell], *, retry_failed: bool = False, slots: Sequence[Slot] = (WHOLE,)
    ) -> dict[State, int]:
        runner = Runner(folder=self.folder, executor=self.executor, cache=self.cache, watch=self.watcher, slots=slots)
        return dict(runner.run(cells, retry_failed=retry_failed))

    def folder_of(self, cell: Cell) -> CellFolder:
        return self.folder.cell(cell.id)

    @property
    def searches(self) -> list[str]:
        """The tuners of the searches that were started, in order."""
        return [name for program, name in self.executor.started if program == "search"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def does() -> type[Script]:
    return Script


@pytest.fixture
def trained() -> Callable[..., Trial]:
    """A trial: ``trained(0, 0.2, 0.3)`` has two epochs."""
    return trial


@pytest.fixture
def cell(cell: Cell) -> Cell:
    return renamed(cell, "optuna-random")


@pytest.fixture
def cells(cell: Cell) -> list[Cell]:
    """Three cells that share data and backbone."""
    return [renamed(cell, tuner) for tuner in ("optuna-random", "optuna-tpe", "kt-random")]


def renamed(cell: Cell, tuner: str) -> Cell:
    names = cell.names.model_copy(update={"tuner": tuner})
    return cell.model_copy(update={"names": names, "tuner": cell.tuner.model_copy(update={"tuner": tuner})})
