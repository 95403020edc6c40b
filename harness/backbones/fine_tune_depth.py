"""How much of a trained part is trained, where that is a hyperparameter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import UserError


def train_last(above: Any, count: int) -> None:
    """Freeze all of ``above``, which is a model's trained part, but its last ``count`` trained layers.

    Raises:
        UserError: There are fewer.
    """
    layers = [layer for layer in _leaves(above) if layer.trainable_weights]
    if count > len(layers):
        raise UserError(
            f"fine_tune_depth: {count} is more than the {len(layers)} layers that the backbone trains; "
            f"raise the N of train = 'last:N', or lower the domain"
        )
    for layer in layers[: len(layers) - count]:
        layer.trainable = False


def _leaves(model: Any) -> Iterator[Any]:
    """Yield the layers of a model in topological order, those of its wrapped core included."""
    for layer in model.layers:
        core = getattr(layer, "model", None)
        yield from [layer] if core is None else _leaves(core)
