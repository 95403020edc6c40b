"""The floor under a search: its training and evaluation steps in one bare loop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.perf import searches
from harness.cells import Cell
from harness.hyperparameters import KNOWN
from harness.objectives.keras_training import KerasObjective, TrainingData
from harness.records import CellFolder
from harness.search_types import Trial
from harness.seeds import derive
from harness.worker import training_data
from harness.worker.objective_assembly import objective_for

BATCH_SIZE = int(KNOWN["batch_size"].default)


@dataclass(slots=True, kw_only=True)
class Alternating:
    """Stores each trial, then runs its bare loop, so that both sides meet the same machine.

    The seconds between two bare loops are the search's.
    """

    folder: CellFolder
    objective: KerasObjective
    data: TrainingData
    seed: int
    harness_s: float = 0.0
    floor_s: float = 0.0
    epochs: int = 0
    mark: float = field(default_factory=time.monotonic)

    def keep(self, trial: Trial) -> None:
        self.folder.append(trial)
        self.harness_s += time.monotonic() - self.mark
        self.floor_s += self._bare(trial)
        self.epochs += len(trial.epochs)
        self.mark = time.monotonic()

    def _bare(self, trial: Trial) -> float:
        network, steps = self.objective._current  # type: ignore[misc]  # noqa: SLF001 (built: a trial has just run)
        network.reset()
        steps.begin(self.objective.completed(trial.parameters))
        orders = [(epoch.epoch, self._order(epoch.epoch)) for epoch in trial.epochs]
        validation = self.data.validation.astype(np.int32)
        dropout = np.array([1, 0], np.int32)
        began = time.monotonic()
        for number, order in orders:
            float(steps.train(order, BATCH_SIZE, number, dropout))
            steps.predict(validation).numpy()
        return time.monotonic() - began

    def _order(self, epoch: int) -> Any:
        drawn = np.random.default_rng(derive(self.seed, "batches", epoch)).permutation(self.data.train)
        return drawn.astype(np.int32)


def over_floor(cell: Cell, path: Path, cache: Path) -> tuple[float, float, int]:
    """Return seconds of a search and of its bare loops, the build left out of both, and the epochs of each."""
    folder = CellFolder(path)
    ledger = searches.started(cell)
    data = training_data.load(cell, cache)
    objective = objective_for(cell, data, ledger=ledger, checkpoints=folder.checkpoints)
    objective.prepare(cell.space.defaults)
    sides = Alternating(folder=folder, objective=objective, data=data.training, seed=cell.seed)
    searches.search_of(cell, objective, ledger=ledger, folder=folder, keep=sides.keep).run()
    return sides.harness_s, sides.floor_s, sides.epochs
