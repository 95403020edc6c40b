"""Where a network can be cut in two, so that one tensor carries everything from below to above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from harness.errors import UserError


def trained_layers(core: keras.Model, count: int) -> list[keras.Layer]:
    """Return the last ``count`` layers that have trainable weights, in topological order.

    Batch normalisation counts as a layer of its own. A layer that holds layers (ConvNeXt's stem) counts once.

    Raises:
        UserError: There are fewer.
    """
    layers = [layer for layer in core.layers if layer.trainable_weights]
    if count > len(layers):
        raise UserError(
            f"train: 'last:{count}' is more than the {len(layers)} layers of {core.name} with weights; write 'all'"
        )
    return layers[len(layers) - count :]


def below(core: keras.Model, first: keras.Layer) -> keras.Operation | None:
    """Return the deepest operation before ``first`` whose output alone feeds all that follows.

    None where nothing below it has trainable weights, so that there is nothing to save by a cut.
    """
    operations = core.operations
    before = operations.index(first)
    index = max((point for point in _narrow(operations) if point < before), default=-1)
    if not any(getattr(operation, "trainable_weights", ()) for operation in operations[: index + 1]):
        return None
    return operations[index]


def _narrow(operations: Sequence[keras.Operation]) -> list[int]:
    """Return the positions after which only that operation's output is still needed.

    ``operations`` are in topological order. Any such order will do: all that comes before or after such a position in
    one order does so in every order, since each path from input to output passes it.
    """
    last_use = _last_uses(operations)
    points, needed_until = [], -1
    for index, operation in enumerate(operations):
        if needed_until <= index:
            points.append(index)
        needed_until = max(needed_until, last_use.get(id(operation.output), index))
    return points


def _last_uses(operations: Sequence[keras.Operation]) -> dict[int, int]:
    uses: dict[int, int] = {}
    for index, operation in enumerate(operations):
        uses.update({id(tensor): index for tensor in _tensors(operation.input)})
    return uses


def _tensors(inputs: Any) -> list[Any]:
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
