"""The searches that are measured, and the harness's side of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import environment, meters, tuners
from harness.backbones.weights import RANDOM
from harness.cells import Cell, Names, SourceTable, WeightsTable, domains_of
from harness.datasets.verified_sources import Source
from harness.matrix_schema import Backbone, Budget, Dataset, Protocol, Split, TunerSection
from harness.meters import Usage
from harness.objectives import tensorflow_settings
from harness.phase_clock import Ledger
from harness.records import CellFolder
from harness.search_loop import Search
from harness.search_types import Objective, SearchBudget, Trial
from harness.seeds import derive
from harness.space import Domain, Range, Space
from harness.worker import tasks, training_data

ALPHA = 0.35
IMAGE_SIZE = 96
# 300 images to train on.
DATASET = Dataset(source="animals", max_images=400)
SPLIT = Split(train=0.75, validation=0.125, test=0.125)

# One iteration of Keras Tuner's Hyperband.
MAX_EPOCHS = 9
TRIALS, EPOCHS = 23, 75

# The batch size is left at its default, so that an epoch is the same work whichever trials are promoted.
SPACE: dict[str, Domain] = {
    "learning_rate": Range(low=1e-4, high=1e-2, log=True, default=1e-3),
    "dropout": Range(low=0.0, high=0.7, default=0.2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search did; ``drawn`` are the configurations of the trials that continue no earlier one, in order."""

    wall_s: float
    trials: int
    epochs: int
    drawn: Sequence[dict[str, float]]


def cell_of(
    source: Source,
    *,
    train: str,
    tuner: str = "kt-hyperband",
    budget: Budget | None = None,
    epochs_per_trial: int = MAX_EPOCHS,
    image_size: int = IMAGE_SIZE,
    dataset: Dataset = DATASET,
    domains: dict[str, Domain] = SPACE,
) -> Cell:
    """Return a cell with MobileNetV2 at random weights; by default one iteration of Hyperband."""
    return Cell(
        names=Names(dataset="animals", backbone="MobileNetV2", tuner=tuner, hyperparameters="speed"),
        dataset=dataset,
        source=SourceTable.model_validate(asdict(source)),
        backbone=Backbone(model="MobileNetV2", weights="none", alpha=ALPHA, train=train),
        weights=WeightsTable.model_validate(asdict(RANDOM)),
        tuner=TunerSection(tuner=tuner),
        domains=domains_of(Space(domains)),
        budget=budget or Budget(epochs=EPOCHS),
        protocol=Protocol(epochs_per_trial=epochs_per_trial, image_size=image_size, split=SPLIT),
        seed=1,
        environment=environment.lock_hash(),
        code=environment.code_hash(),
    )


def images_of(cell: Cell, cache: Path) -> Any:
    """Return the cell's images and split, decoded into ``cache`` at the first call; no activations are computed."""
    whole = cell.backbone.model_copy(update={"train": "all"})
    return training_data.load(cell.model_copy(update={"backbone": whole}), cache).training


def with_harness(cell: Cell, path: Path, cache: Path) -> Searched:
    """Search as a worker does, from reading the data to the last trial on the disk; imports are done before."""
    folder = CellFolder(path)
    folder.write_cell(cell)
    tuners.load_library(cell.tuner)
    began = time.monotonic()
    tasks.search(folder, cache=cache, started=began)
    wall_s = time.monotonic() - began
    trials = folder.trials()
    return Searched(
        wall_s=wall_s,
        trials=len(trials),
        epochs=sum(trial.charged_epochs for trial in trials),
        drawn=[drawn(trial.parameters) for trial in trials if trial.parent is None],
    )


def drawn(values: Any) -> dict[str, float]:
    """Return the tuned values alone."""
    return {name: float(values[name]) for name in SPACE}


def started(cell: Cell) -> Ledger:
    """Configure this process for the cell, and start its clock."""
    tensorflow_settings.configure(cell.protocol, seed=derive(cell.seed, "weights"))
    return Ledger(clock=time.monotonic, started=time.monotonic())


def search_of(
    cell: Cell, objective: Objective, *, ledger: Ledger, folder: CellFolder, keep: Callable[[Trial], None]
) -> Search:
    """Return the search that a worker would run, with a ``keep`` that can look on."""
    tuner = tuners.create(
        cell.tuner,
        cell.space,
        seed=cell.tuner_seed,
        epochs_per_trial=cell.protocol.epochs_per_trial,
        expected_trials=None,
        folder=folder.scratch,
    )
    return Search(
        tuner=tuner,
        objective=objective,
        budget=SearchBudget(**cell.budget.model_dump()),
        ledger=ledger,
        usage=Usage(cpu_s=meters.cpu_s, energy=meters.of_processor().counter),
        keep=keep,
        watch=_progress(folder),
    )


def _progress(folder: CellFolder) -> Callable[..., None]:
    folder.progress.parent.mkdir(parents=True, exist_ok=True)

    # A worker keeps its stream open; opening it anew costs a little more, never less.
    def watch(number: int, proposal: Any, epoch: Any) -> None:
        with folder.progress.open("a", encoding="utf-8") as stream:
            stream.write(f"{number} {epoch.epoch} {proposal.last_epoch} {epoch.val_score!r}\n")

    return watch
