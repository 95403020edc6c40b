"""The trained part of a model, with its optimizer, as variables that can be set back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy.typing as npt

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "sgd": lambda: keras.optimizers.SGD(momentum=0.9),
    "rmsprop": keras.optimizers.RMSprop,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What can't change without another build."""

    optimizer: str
    hidden_units: int
    fine_tune_depth: int | None


class Network:
    """Backbone part (if any of it is trained), classifier and optimizer.

    A trial begins by ``reset``: every variable takes its initial value again, so that a reused network trains as a
    freshly built one does.
    """

    def __init__(self, *, above: Any, width: int, classes: int, structure: Structure, seed: int) -> None:
        """Build; ``above`` maps rows of data to ``width`` features, or is None where the rows are features."""
        keras.utils.set_random_seed(seed)
        self.above = above
        self.hidden = _dense(structure.hidden_units, width, activation="relu") if structure.hidden_units else None
        # Logits stay in float32: a softmax over half-precision numbers loses the small probabilities.
        self.classifier = _dense(classes, structure.hidden_units or width, dtype="float32")
        self.optimizer = _optimizer(structure.optimizer)
        layers = [part for part in (above, self.hidden, self.classifier) if part is not None]
        self.trainable = [variable for part in layers for variable in part.trainable_variables]
        self.optimizer.build(self.trainable)
        self.variables = [variable for part in layers for variable in part.variables]
        self._initial = [variable.numpy() for variable in self.variables]
        self._initial_optimizer = [variable.numpy() for variable in self.optimizer.variables]

    def features(self, rows: Any) -> Any:
        """Return what the classifier's dropout sees, (batch, width)."""
        features = rows if self.above is None else self.above(rows, training=True)
        return features if self.hidden is None else self.hidden(features)

    def logits(self, rows: Any) -> Any:
        """Return scores for inference, (batch, classes)."""
        features = rows if self.above is None else self.above(rows, training=False)
        return self.classifier(features if self.hidden is None else self.hidden(features))

    @property
    def initial_classifier(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """The classifier's initial weights, (width, classes) and (classes,)."""
        kernel, bias = self._initial[-2:]
        return kernel, bias

    def reset(self) -> None:
        """Set every variable back to its initial value."""
        self.restore(self._initial)
        for variable, value in zip(self.optimizer.variables, self._initial_optimizer, strict=True):
            variable.assign(value)

    def restore(self, values: list[npt.NDArray[Any]]) -> None:
        """Set the weights, leaving the optimizer as it is."""
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)

    def snapshot(self) -> list[npt.NDArray[Any]]:
        """Return a copy of the weights."""
        return [variable.numpy() for variable in self.variables]


def _dense(units: int, width: int, **options: Any) -> Any:
    layer = keras.layers.Dense(units, **options)
    layer.build((None, width))
    return layer


def _optimizer(name: str) -> Any:
    optimizer = OPTIMIZERS[name]()
    if keras.mixed_precision.global_policy().name == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
