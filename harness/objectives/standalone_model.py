"""A trained network as one Keras model that needs nothing of the harness: images in, probabilities out."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from harness.errors import UserError
from harness.objectives.trained_part import Network

_BATCH = 64


def of(core: Any, network: Network, *, preprocess: Callable[[Any], Any]) -> Any:
    """Return a model of images (N, size, size, 3) from 0 to 255 → probabilities (N, classes), both float32.

    Args:
        core: The backbone's network, with its trained weights: preprocessed images → features.
        network: What was trained; its classifier, and the hidden layer before it if there is one, end the model.
        preprocess: Turns symbolic images of 0 to 255 into what ``core`` takes.
    """
    images = keras.Input(core.input_shape[1:], dtype="float32", name="images")
    features = core(preprocess(images), training=False)
    logits = network.classifier(features if network.hidden is None else network.hidden(features))
    return keras.Model(images, keras.layers.Softmax(dtype="float32", name="probabilities")(logits))


def load(path: Path) -> Any:
    """Return the model that was saved at ``path``, as anybody would load it.

    Raises:
        UserError: Keras can't make it of the file alone.
    """
    try:
        return keras.models.load_model(path)
    except (ValueError, TypeError, ImportError, NotImplementedError) as error:
        why = textwrap.shorten(str(error), width=200, placeholder=" …")
        raise UserError(
            f"Keras can't load the saved model by itself ({why}); build the model of Keras' own layers alone"
        ) from error


def predicted(model: Any, images: npt.NDArray[np.uint8], index: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """Return the likeliest class of each image of ``index``, (len(index),)."""
    parts = [index[start : start + _BATCH] for start in range(0, len(index), _BATCH)]
    found = [np.argmax(model(images[part].astype(np.float32), training=False), axis=-1) for part in parts]
    return np.concatenate(found)
