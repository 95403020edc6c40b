"""What a tuner's thinking costs, itself and in the training after it, in one thread or in as many as libraries take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.perf import searches
from harness import tuners
from harness.cells import Cell
from harness.records import CellFolder
from harness.search_types import Epoch, Outcome, Proposal, Trial, Tuner
from harness.tuners.thread_limits import Bounded, Threads
from harness.worker import training_data
from harness.worker.library_imports import keep_still
from harness.worker.objective_assembly import objective_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """What so many proposals took."""

    wall_s: float
    cpu_s: float
    proposed: list[dict[str, float | int | str]]


def think(cell: Cell, folder: Path, proposals: int, *, bounded: bool) -> Thought:
    """Ask and tell so often in this process, for scores that cost nothing."""
    _loaded([cell], bounded=bounded)
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    tuner = _tuner(cell, folder, proposals, bounded=bounded)
    proposed = []
    for number in range(proposals):
        proposal = _asked(tuner)
        proposed.append(dict(proposal.parameters))
        score = 1 / (1 + float(proposal.parameters["dropout"]) + 100 * float(proposal.parameters["learning_rate"]))
        tuner.tell(_told(number, proposal, [Epoch(epoch=1, val_score=score, loss=1.0, train_s=0.0, evaluate_s=0.0)]))
    return Thought(wall_s=time.monotonic() - began_s, cpu_s=time.process_time() - began_cpu_s, proposed=proposed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A trial by each of three, one right after another, as what a machine does differs little from second to second.

    Mean seconds of an epoch: after the tuner's thinking, after random search's, and after random search's and so long a
    pause as the tuner thought, in which one processor only counts. Machines train slower after a pause of any kind.
    """

    tuner_s: float
    random_s: float
    paused_s: float


def epochs_in_turns(cell: Cell, path: Path, cache: Path, trials: int, *, bounded: bool) -> list[Turn]:
    """Train so many trials of the cell's tuner and twice as many of random search's, by one model in this process."""
    random = cell.model_copy(update={"tuner": cell.tuner.model_copy(update={"tuner": "kt-random"})})
    _loaded([cell, random], bounded=bounded)
    folder = CellFolder(path)
    ledger = searches.started(cell)
    data = training_data.load(cell, cache)
    objective = objective_for(cell, data, ledger=ledger, checkpoints=folder.checkpoints)
    objective.prepare(cell.space.defaults)
    tuner = _tuner(cell, path / "tuner", trials, bounded=bounded)
    blind = _tuner(random, path / "random", 2 * trials, bounded=bounded)

    def epoch_s(asked: Tuner, number: int, *, pause_s: float = 0.0) -> tuple[float, float]:
        began = time.monotonic()
        proposal = _asked(asked)
        thought_s = time.monotonic() - began
        while time.monotonic() < began + pause_s:
            pass
        epochs = list(objective.train(proposal))
        asked.tell(_told(number, proposal, epochs))
        return fmean((epoch.train_s or 0.0) + (epoch.evaluate_s or 0.0) for epoch in epochs), thought_s

    turns = []
    for number in range(trials):
        tuner_s, thought_s = epoch_s(tuner, number)
        random_s, _ = epoch_s(blind, 2 * number)
        paused_s, _ = epoch_s(blind, 2 * number + 1, pause_s=thought_s)
        turns.append(Turn(tuner_s=tuner_s, random_s=random_s, paused_s=paused_s))
    return turns


def _loaded(cells: Sequence[Cell], *, bounded: bool) -> None:
    """Import the tuners' libraries, which choose their threads now: as in a worker, or as for their own users."""
    if bounded:
        keep_still()
    for cell in cells:
        tuners.load_library(cell.tuner)


def _tuner(cell: Cell, folder: Path, proposals: int, *, bounded: bool) -> Tuner:
    folder.mkdir(parents=True)
    tuner = tuners.create(
        cell.tuner,
        cell.space,
        seed=cell.tuner_seed,
        epochs_per_trial=cell.protocol.epochs_per_trial,
        expected_trials=proposals,
        folder=folder,
    )
    return Bounded(tuner, Threads(cell.protocol.tuner_threads)) if bounded else tuner


def _asked(tuner: Tuner) -> Proposal:
    proposal = tuner.ask()
    if proposal is None:
        raise RuntimeError("no proposal in a space without an end")
    return proposal


def _told(number: int, proposal: Proposal, epochs: Sequence[Epoch]) -> Trial:
    return Trial(
        number=number,
        parameters=proposal.parameters,
        first_epoch=proposal.first_epoch,
        last_epoch=proposal.last_epoch,
        parent=None,
        outcome=Outcome.COMPLETED,
        epochs=tuple(epochs),
    )
