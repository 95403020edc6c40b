"""A backbone as a search trains it: a frozen part below and a trained part above."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from harness.backbones import cut_points, feature_extractor, pretrained
from harness.backbones.weights import Weights
from harness.matrix_schema import Backbone


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A backbone in two parts, either of which may be missing (None).

    ``core`` is the whole network, whose layers they share: preprocessed images → pooled features (N, ``width``).
    ``below`` is frozen: images (N, size, size, 3), float32 from 0 to 255, → activations. ``above`` is trained:
    activations, or images where ``below`` is None, → pooled features. Where ``above`` is None, the activations are the
    features. ``parameters`` counts both parts, ``trainable`` what training may change.
    """

    core: keras.Model
    below: keras.Model | None
    above: keras.Model | None
    width: int
    parameters: int
    trainable: int


def build(
    spec: Backbone, weights: Weights, *, image_size: int, seed: int, file: Mapping[str, str] | None = None
) -> Parts:
    """Build the backbone of a section, with its weights and its preprocessing; ``file`` is that of a user's own model.

    Equal arguments give equal initial weights: Keras' global seed is set to ``seed`` first. Whatever ``training``
    a caller asks for, batch normalisation uses its stored statistics and nothing drops out, unless the weights are
    random and all of them are trained (docs/decisions/002-batch-normalisation.md).

    Raises:
        WeightsError: The weights don't fit the model.
        MachineError: The weights' file, or the model's, changed since they were resolved.
        UserError: More layers are to be trained than there are, or the user's file makes no such model.
    """
    keras.utils.set_random_seed(seed)
    core = feature_extractor.core(spec, image_size=image_size, file=file)
    pretrained.load(core, spec.model, weights)
    below, above = _split(core, spec, from_scratch=weights.kind == "none" and spec.train == "all")
    return Parts(
        core=core,
        below=below,
        above=above,
        width=core.output_shape[-1],
        parameters=core.count_params(),
        trainable=sum(math.prod(variable.shape) for variable in core.trainable_variables),
    )


class InferenceMode(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Calls a model in inference mode whatever is asked for; its weights may still be trained.

    Keras' guide to transfer learning writes ``model(inputs, training=False)``, but an outer model that is called with
    ``training=True`` overrides that (Keras 3.15, ``keras.src.models.functional.operation_fn``). This ``call`` takes no
    ``training`` that could be passed on.
    """

    def __init__(self, model: keras.Model, **options: Any) -> None:
        super().__init__(**options)
        self.model = model

    def call(self, inputs: Any) -> Any:
        """Return the model's outputs."""
        return self.model(inputs, training=False)

    def compute_output_shape(self, _: Any) -> Any:
        """Return the model's own shape, which spares Keras from tracing the model once more."""
        return self.model.output_shape


def _split(core: keras.Model, spec: Backbone, *, from_scratch: bool) -> tuple[keras.Model | None, keras.Model | None]:
    if spec.train == "head":
        core.trainable = False
        return _from_images(core, spec.model), None
    if from_scratch:
        return None, _from_images(core, spec.model, inference=False)
    if spec.train == "all":
        return None, _from_images(core, spec.model)
    return _split_at(core, spec.model, trained=int(spec.train.removeprefix("last:")))


def _split_at(core: keras.Model, model: str, *, trained: int) -> tuple[keras.Model | None, keras.Model]:
    layers = cut_points.trained_layers(core, trained)
    operation = cut_points.below(core, layers[0])
    _freeze_all_but(core, layers)
    if operation is None:
        return None, _from_images(core, model)
    activations = operation.output
    below = _from_images(keras.Model(core.input, activations), model)
    return below, _from_activations(keras.Model(activations, core.output), activations)


def _freeze_all_but(core: keras.Model, trained: list[keras.Layer]) -> None:
    for layer in core.layers:
        layer.trainable = layer in trained


def _from_images(core: keras.Model, model: str, *, inference: bool = True) -> keras.Model:
    images = keras.Input(core.input_shape[1:], dtype="float32")
    inputs = feature_extractor.preprocess(model, images)
    return keras.Model(images, InferenceMode(core)(inputs) if inference else core(inputs))


def _from_activations(core: keras.Model, activations: Any) -> keras.Model:
    inputs = keras.Input(activations.shape[1:], dtype=activations.dtype)
    return keras.Model(inputs, InferenceMode(core)(inputs))
