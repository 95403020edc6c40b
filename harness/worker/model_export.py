"""A search's best epoch trained again, and left as a Keras model that needs nothing of the harness."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from harness.backbones import feature_extractor
from harness.cells import Cell
from harness.datasets import decoded_images as decoded
from harness.datasets.verified_sources import Source
from harness.errors import UserError
from harness.objectives import scores, standalone_model, tensorflow_settings
from harness.objectives.keras_training import KerasObjective
from harness.phase_clock import Ledger
from harness.records import CellFolder
from harness.search_types import Epoch, Proposal, Trial, is_better
from harness.seeds import derive
from harness.worker import objective_assembly, training_data
from harness.worker.training_data import Loaded


def save(cell: Cell, folder: CellFolder, *, cache: Path, started: float) -> dict[str, object]:
    """Train the best of the trials in ``folder`` again, up to its best epoch; leave the model there, return its scores.

    ``val_score`` and ``test_score`` are those of the weights as they were trained again, ``saved_test_score`` that of
    the file, read back by Keras alone and shown the test images.

    Raises:
        UserError: No trial has a score, or Keras can't load the model by itself.
    """
    ledger = Ledger(clock=time.monotonic, started=started)
    tensorflow_settings.configure(cell.protocol, seed=derive(cell.seed, "weights"))
    data = training_data.load(cell, cache)
    objective = objective_assembly.objective_for(cell, data, ledger=ledger, checkpoints=folder.checkpoints)
    retrained = _retrained(objective, folder.trials())
    test_score = objective.test_score()
    _write(cell, objective, folder.model)
    return {
        "status": "completed",
        "data": data.facts.told,
        "saved": {
            "val_score": retrained.val_score,
            "test_score": test_score,
            "saved_test_score": _score(cell, data, folder.model, cache),
        },
    }


def _retrained(objective: KerasObjective, trials: Sequence[Trial]) -> Epoch:
    """Train up to the incumbent's epoch, after the trials that it continues; return the epoch, its weights in place."""
    best, epoch = _incumbent(trials)
    for ancestor in _ancestors(best, trials):
        _train(objective, ancestor, ancestor.epochs[-1].epoch)
        objective.keep(ancestor.number)
    return _train(objective, best, epoch)


def _incumbent(trials: Sequence[Trial]) -> tuple[Trial, int]:
    found: tuple[Trial, Epoch] | None = None
    for trial in trials:
        for epoch in trial.epochs:
            if is_better(epoch.val_score, None if found is None else found[1].val_score):
                found = trial, epoch
    if found is None:
        raise UserError("no trial of the search has a score, so there is no model to save")
    return found[0], found[1].epoch


def _ancestors(trial: Trial, trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that ``trial`` continues, the first of them first."""
    found: list[Trial] = []
    while trial.parent is not None:
        trial = trials[trial.parent]
        found.insert(0, trial)
    return found


def _train(objective: KerasObjective, trial: Trial, last: int) -> Epoch:
    proposal = Proposal(
        parameters=trial.parameters, first_epoch=trial.first_epoch, last_epoch=trial.last_epoch, parent=trial.parent
    )
    # The whole proposal, and no further than asked: a schedule would fall faster in a shorter one.
    with closing(objective.train(proposal)) as training:
        return next(epoch for epoch in training if epoch.epoch == last)


def _write(cell: Cell, objective: KerasObjective, path: Path) -> None:
    network, parts = objective.network, training_data.build(cell)
    if network.above is not None and parts.above is not None:
        for variable, trained in zip(parts.above.variables, network.above.variables, strict=True):
            variable.assign(trained)
    preprocess = partial(feature_extractor.preprocess, cell.backbone.model)
    standalone_model.of(parts.core, network, preprocess=preprocess).save(path)


def _score(cell: Cell, data: Loaded, path: Path, cache: Path) -> float:
    source, training = Source.from_json(cell.source.told), data.training
    images = decoded.load(source, cell.dataset, image_size=cell.protocol.image_size, cache=cache).images
    predicted = standalone_model.predicted(standalone_model.load(path), images, training.test)
    counts = scores.confusion(training.labels[training.test], predicted, training.classes)
    return objective_assembly.scorer_for(cell, data)(counts)
