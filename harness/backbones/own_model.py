"""A model of the user's own, in a Python file or an installed package that the matrix names."""

from __future__ import annotations

from typing import cast

import keras

from harness.errors import UserError
from harness.extensions import MODEL, Found, loading
from harness.matrix_schema import Backbone


def core(spec: Backbone, *, image_size: int, file: Found) -> keras.Model:
    """Return the network that the user's ``create`` makes: images (N, size, size, 3) of 0 to 255 → features (N, width).

    Raises:
        UserError: It makes something else.
        MachineError: The file or package isn't what it was when the cell was planned.
    """
    made = loading.maker(MODEL, file)(image_size=image_size, **spec.options)
    if (wrong := mistake(made, image_size=image_size)) is not None:
        raise UserError(f"{loading.called(file)}: {wrong}; {MODEL.guide} shows one")
    # A chain of layers as a graph of them, which can be cut.
    model = cast("keras.Model", made)
    return keras.Model(model.inputs[0], model.outputs[0])


def mistake(made: object, *, image_size: int) -> str | None:
    """Return why what ``create`` returned is no such network; None where it is one."""
    if not isinstance(made, keras.Model):
        return f"create returned {type(made).__name__}, no keras.Model"
    inputs, outputs = getattr(made, "inputs", None), getattr(made, "outputs", None)
    if not inputs or not outputs:
        return "create returned a model without inputs of its own; begin it with keras.Input"
    wanted = (None, image_size, image_size, 3)
    taken, given = [tuple(tensor.shape) for tensor in inputs], [tuple(tensor.shape) for tensor in outputs]
    if taken != [wanted]:
        return f"the model takes {_listed(taken)}, and images are {wanted}"
    if len(given) != 1 or len(given[0]) != 2 or given[0][1] is None:  # noqa: PLR2004 - images × features
        return f"the model gives {_listed(given)}, and features are (None, width); end it with global pooling"
    return None


def _listed(shapes: list[tuple[int | None, ...]]) -> str:
    return " and ".join(map(str, shapes))
