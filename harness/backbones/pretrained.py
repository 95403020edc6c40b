"""Weights from files into a network that was built without any."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import h5py
import keras
import numpy as np

from harness.backbones import efficientnet_lite0
from harness.backbones.weights import Weights, verify
from harness.catalogue.backbones import OWN
from harness.errors import WeightsError

# Keras divides EfficientNetB0 to B7's inputs by these once more, but only where it loads the ImageNet weights itself:
# https://github.com/tensorflow/tensorflow/issues/49930
_EXTRA_DEVIATION: Final = np.sqrt([0.229, 0.224, 0.225])
_DOG_BREEDS: Final = "model_weights/mobilenetv2_1.00_160"


def load(core: keras.Model, model: str, weights: Weights) -> None:
    """Assign ``weights`` to the network of ``model``; leave it as it is where they are random.

    Raises:
        WeightsError: The file can't be read, or holds another network.
        MachineError: The file changed since the weights were resolved.
    """
    if weights.path is None:
        return
    try:
        _assign(core, model, weights, Path(weights.path))
    finally:
        # Whatever came of it: that the file is another one says more than that it doesn't fit.
        verify(weights)


def _assign(core: keras.Model, model: str, weights: Weights, path: Path) -> None:
    if weights.kind != "packaged":
        _load_keras_file(core, model, path)
    elif model == "EfficientNetLite0":
        efficientnet_lite0.load(core, path)
    else:
        _load_dog_breeds(core, path)
    if weights.kind == "imagenet" and model.startswith("EfficientNetB"):
        _narrow_normalization(core)


def _load_keras_file(core: keras.Model, model: str, path: Path) -> None:
    try:
        _load_completely(core, path)
    except (ValueError, OSError, KeyError, BadZipFile) as error:
        reason = textwrap.shorten(str(error), width=300, placeholder=" …")
        raise WeightsError(f"{path}: does not fit {_what_fits(model, reason)}") from error


def _what_fits(model: str, reason: str) -> str:
    if model == OWN:
        return f"the model ({reason}); save the weights of what create returns, with the same options"
    return f"{model} ({reason}); save the weights of keras.applications.{model}(include_top=False) with the same alpha"


def _load_completely(core: keras.Model, path: Path) -> None:
    """Load weights only, never a model, whose configuration can name code to run."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        core.load_weights(path)
    # Keras only warns where a part of the network is missing in the file and keeps its random weights.
    for warning in caught:
        if warning.category is UserWarning:
            raise ValueError(warning.message)


def _load_dog_breeds(core: keras.Model, path: Path) -> None:
    """Assign by layer and variable name from a whole Keras 3 model, of which the backbone is one layer."""
    try:
        with h5py.File(path) as file:
            group = file[_DOG_BREEDS]
            for layer in core.layers:
                layer.set_weights([_value(group, layer, variable) for variable in layer.weights])
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(
            f"{path}: not the packaged weights of MobileNetV2 ({error}); delete it to fetch it"
        ) from error


def _value(group: Mapping[str, Any], layer: keras.Layer, variable: keras.Variable) -> np.ndarray[Any, Any]:
    return np.asarray(group[f"{layer.name}/{variable.name}"])


def _narrow_normalization(core: keras.Model) -> None:
    """Fold Keras' extra division into the variance: x / sqrt(v) / d = x / sqrt(v · d²)."""
    layer = next(layer for layer in core.layers if isinstance(layer, keras.layers.Normalization))
    mean, variance, count = layer.get_weights()
    layer.set_weights([mean, variance * _EXTRA_DEVIATION**2, count])
    layer.finalize_state()
