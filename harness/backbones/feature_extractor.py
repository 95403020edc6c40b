"""A backbone's network: pooled, without a classifier, randomly initialised, and what goes before its first layer."""

from __future__ import annotations

from typing import Any

import keras

from harness.backbones import efficientnet_lite0, own_model
from harness.catalogue import backbones
from harness.extensions import Found
from harness.matrix_schema import Backbone


def core(spec: Backbone, *, image_size: int, file: Found | None = None) -> keras.Model:
    """Return the flat network: preprocessed images (N, size, size, 3) → features (N, width).

    ``file`` is what was found of a model of the user's own.

    Raises:
        UserError: What the user's own code makes is no such network.
        MachineError: It isn't what it was when the cell was planned.
    """
    if file is not None:
        return own_model.core(spec, image_size=image_size, file=file)
    if backbones.KNOWN[spec.model].module is None:
        return efficientnet_lite0.core(image_size=image_size)
    constructor = getattr(keras.applications, spec.model)
    shape = (image_size, image_size, 3)
    alpha: dict[str, float] = {} if spec.alpha is None else {"alpha": spec.alpha}
    return constructor(weights=None, include_top=False, pooling="avg", input_shape=shape, **alpha)


def preprocess(model: str, images: Any) -> Any:
    """Turn symbolic images of 0 to 255 into what the network was trained on, by Keras' own function.

    Models that rescale inside (EfficientNet, ConvNeXt, MobileNetV3, users' own) pass the images through.
    """
    module = None if model == backbones.OWN else backbones.KNOWN[model].module
    return images if module is None else getattr(keras.applications, module).preprocess_input(images)
