"""Real, small cells: digits, and backbones with random weights, so that nothing is downloaded."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness import environment, files
from harness.backbones.weights import RANDOM
from harness.cells import Cell, Names, OwnFile, SourceTable, WeightsTable, domains_of
from harness.datasets import resolving
from harness.matrix_schema import Backbone, Budget, Dataset, Protocol, TunerSection
from harness.records import CellFolder
from harness.search_types import Trial
from harness.space import Choice, Domain, Range, Space
from harness.worker.__main__ import LITTERING

DOMAINS: Mapping[str, Domain] = {
    "learning_rate": Range(low=1e-3, high=1.0, log=True, default=1e-2),
    "batch_size": Choice(choices=(16, 32, 64), default=32),
    "dropout": Range(low=0.0, high=0.6, default=0.2),
}


# Two blocks of MobileNet: every kind of its layers, and a graph that TensorFlow makes ready in a tenth of the time.
SMALL = """\
from keras import Input, Model, layers

def create(*, image_size):
    images = Input((image_size, image_size, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.DepthwiseConv2D(3, strides=2, use_bias=False)(layers.ZeroPadding2D(1)(x))
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(16, 1, use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
    return Model(images, layers.GlobalAveragePooling2D()(x))
"""


class Bench:
    """Makes cells and works at them in this process, on one cache."""

    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache = cache
        self._folder = folder
        self._count = 0

    def cell(
        self,
        tuner: str = "optuna-tpe",
        *,
        epochs: int = 4,
        epochs_per_trial: int = 2,
        domains: Mapping[str, Domain] = DOMAINS,
        model: str = "EfficientNetLite0",
        train: str = "head",
        images: int = 200,
        seed: int = 1,
        **tuner_changes: Any,
    ) -> Cell:
        dataset = Dataset(source="digits", max_images=images)
        alpha = {"MobileNet": 0.25, "MobileNetV2": 0.35}.get(model)
        own = self._small() if model == "file" else None
        return Cell(
            names=Names(dataset="digits", backbone=model, tuner=tuner, hyperparameters="some"),
            dataset=dataset,
            source=SourceTable.model_validate(asdict(resolving.resolve(dataset, base=Path(), cache=self.cache))),
            backbone=Backbone(
                model=model, path=None if own is None else own.path, weights="none", train=train, alpha=alpha
            ),
            model_file=own,
            weights=WeightsTable.model_validate(asdict(RANDOM)),
            tuner=TunerSection(tuner=tuner, **tuner_changes),
            domains=domains_of(Space(domains)),
            budget=Budget(epochs=epochs),
            protocol=Protocol(epochs_per_trial=epochs_per_trial, image_size=32),
            seed=seed,
            environment=environment.lock_hash(),
            code=environment.code_hash(),
        )

    def _small(self) -> OwnFile:
        path = self._folder / "small.py"
        path.write_text(SMALL, "utf-8")
        return OwnFile(path=str(path), sha256=files.sha256_of(path))

    def folder(self, cell: Cell) -> CellFolder:
        """A fresh folder that asks for ``cell``."""
        self._count += 1
        folder = CellFolder(self._folder / f"ä {self._count}")
        folder.write_cell(cell)
        return folder

    def search(self, cell: Cell) -> tuple[CellFolder, dict[str, Any]]:
        """Search ``cell`` in a fresh folder; return it and the outcome."""
        folder = self.folder(cell)
        return folder, self.go_on(folder)

    def go_on(self, folder: CellFolder) -> dict[str, Any]:
        """Search what ``folder`` asks for, from what it holds."""
        from harness.worker import tasks  # noqa: PLC0415 - TensorFlow, for marked tests only

        return tasks.search(folder, cache=self.cache, started=time.monotonic())


@pytest.fixture(autouse=True)
def _own_litter() -> Iterator[None]:
    """What a worker that runs in this process sets for the rest of its life ends with the test."""
    place, named = tempfile.tempdir, {name: os.environ.get(name) for name in LITTERING}
    yield
    tempfile.tempdir = place
    for name, value in named.items():
        os.environ.pop(name, None)
        os.environ.update({} if value is None else {name: value})


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ä cache")


@pytest.fixture
def bench(cache: Path, tmp_path: Path) -> Bench:
    return Bench(cache, tmp_path)


@pytest.fixture
def scores_of() -> Callable[[Trial], Any]:
    """All of a trial that must repeat to the last bit: everything but what it cost."""

    def scores(trial: Trial) -> Any:
        curve = [(epoch.epoch, epoch.val_score, epoch.loss, epoch.test_score) for epoch in trial.epochs]
        asked = (dict(trial.parameters), trial.first_epoch, trial.last_epoch, trial.parent)
        return trial.number, asked, trial.outcome, curve, trial.charged_epochs, trial.images, trial.reason

    return scores
