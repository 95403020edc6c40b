"""Keras Tuner's own search, written as its users write it: each trial builds, compiles and fits a fresh model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import numpy.typing as npt

from benchmarks.perf.searches import ALPHA, MAX_EPOCHS, SPACE, Searched, drawn, images_of
from harness.cells import Cell
from harness.hyperparameters import KNOWN


class Classifier(keras_tuner.HyperModel):  # type: ignore[misc]  # Keras Tuner ships no types
    """A MobileNetV2 with dropout and a dense layer on top, frozen or fine-tuned."""

    def __init__(self, *, shape: tuple[int, ...], classes: int, frozen: bool) -> None:
        super().__init__()
        self.shape = shape
        self.classes = classes
        self.frozen = frozen
        self.epochs = 0

    def build(self, hp: Any) -> Any:
        learning_rate, dropout = (_declare(hp, name) for name in SPACE)
        backbone = keras.applications.MobileNetV2(
            alpha=ALPHA, weights=None, include_top=False, pooling="avg", input_shape=self.shape
        )
        backbone.trainable = not self.frozen
        images = keras.Input(self.shape)
        scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
        features = backbone(scaled, training=False) if self.frozen else backbone(scaled)
        outputs = keras.layers.Dense(self.classes, activation="softmax")(keras.layers.Dropout(dropout)(features))
        model = keras.Model(images, outputs)
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate),
            loss="categorical_crossentropy",
            metrics=[keras.metrics.F1Score(average="macro")],
        )
        return model

    def fit(self, hp: Any, model: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ARG002 (Keras Tuner's signature)
        history = model.fit(*arguments, **options)
        self.epochs += len(history.epoch)
        return history


def with_keras_tuner(cell: Cell, path: Path, cache: Path) -> Searched:
    """Search the same space on the same images, from making the tuner to the end of its search."""
    data = images_of(cell, cache)
    train, validation = (_arrays(data, part) for part in (data.train, data.validation))
    hypermodel = Classifier(shape=data.rows.shape[1:], classes=data.classes, frozen=cell.backbone.train == "head")
    began = time.monotonic()
    tuner = keras_tuner.Hyperband(
        hypermodel,
        objective=keras_tuner.Objective("val_f1_score", "max"),
        max_epochs=MAX_EPOCHS,
        seed=cell.tuner_seed,
        directory=path,
        project_name="search",
    )
    tuner.search(*train, validation_data=validation, batch_size=KNOWN["batch_size"].default, verbose=0)
    wall_s = time.monotonic() - began
    trials = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
    return Searched(
        wall_s=wall_s,
        trials=len(trials),
        epochs=hypermodel.epochs,
        drawn=[drawn(values) for values in trials if "tuner/trial_id" not in values],
    )


def _declare(hp: Any, name: str) -> Any:
    domain: Any = SPACE[name]
    return hp.Float(name, domain.low, domain.high, sampling="log" if domain.log else "linear")


def _arrays(data: Any, part: npt.NDArray[np.integer]) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
    return np.array(data.rows[part]), np.eye(data.classes, dtype=np.float32)[data.labels[part]]
