"""EfficientNet-Lite0, which keras.applications lacks, and its ImageNet weights from a torch file.

Lite0 is EfficientNetB0 without squeeze and excitation and with ReLU6 (Tan and Liu,
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite), so that Keras' own builder makes it.
The builder is private to Keras, which is why this module alone touches it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import keras
from keras.src.applications import efficientnet  # the public constructors fix the blocks

from harness.backbones import torch_tensor_reader
from harness.errors import WeightsError

# The network was trained on (pixel - 127) / 128.
_MEAN: Final = 127 / 255
_VARIANCE: Final = (128 / 255) ** 2

_OUTSIDE_BLOCKS: Final = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "top_conv": "_conv_head",
    "top_bn": "_bn1",
    "predictions": "_fc",
}
_IN_BLOCK: Final = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "dwconv": "_depthwise_conv",
    "bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}

State = Mapping[str, torch_tensor_reader.Array]


def core(*, image_size: int) -> keras.Model:
    """Return the pooled network, randomly initialised: images 0 to 255 (N, size, size, 3) → features (N, 1280)."""
    return _network(image_size=image_size, include_top=False, pooling="avg")


def classifier(*, image_size: int) -> keras.Model:
    """Return the network with its 1000-class head, randomly initialised: images 0 to 255 → logits (N, 1000)."""
    return _network(image_size=image_size, include_top=True, classifier_activation=None)


def load(model: keras.Model, path: Path) -> None:
    """Assign the torch file's weights to ``model``, which is a ``core`` or a ``classifier``.

    Raises:
        WeightsError: The file can't be read, or holds another network.
    """
    state = torch_tensor_reader.tensors(path)
    blocks = _block_numbers(model)
    for layer in model.layers:
        if layer.trainable_weights:
            _assign(layer, _torch_name(layer.name, blocks), state, path)


def _network(*, image_size: int, **options: Any) -> keras.Model:
    blocks = [{**block, "se_ratio": 0.0} for block in efficientnet.DEFAULT_BLOCKS_ARGS]
    model = efficientnet.EfficientNet(
        1.0,
        1.0,
        default_size=224,
        activation="relu6",
        blocks_args=blocks,
        name="efficientnet-lite0",
        weights=None,
        input_shape=(image_size, image_size, 3),
        **options,
    )
    _set_normalization(model)
    return model


def _set_normalization(model: keras.Model) -> None:
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    mean, variance, count = layer.get_weights()
    layer.set_weights([mean * 0 + _MEAN, variance * 0 + _VARIANCE, count])
    # The layer computes with constants that it derives from its weights only here.
    layer.finalize_state()


def _block_numbers(model: keras.Model) -> dict[str, int]:
    """Number Keras' blocks (1a, 2a, 2b, …) as torch does (0, 1, 2, …)."""
    names = (re.match(r"block(\d[a-z])_", layer.name) for layer in model.layers)
    return {block: number for number, block in enumerate(sorted({name[1] for name in names if name is not None}))}


def _torch_name(name: str, blocks: Mapping[str, int]) -> str:
    if name in _OUTSIDE_BLOCKS:
        return _OUTSIDE_BLOCKS[name]
    block, part = name.removeprefix("block").split("_", 1)
    return f"_blocks.{blocks[block]}.{_IN_BLOCK[part]}"


def _assign(layer: keras.Layer, name: str, state: State, path: Path) -> None:
    try:
        layer.set_weights(_weights(layer, name, state))
    except (KeyError, ValueError) as error:
        raise WeightsError(
            f"{path}: {name} is not EfficientNetLite0's {layer.name}; use its packaged weights"
        ) from error


def _weights(layer: keras.Layer, name: str, state: State) -> list[torch_tensor_reader.Array]:
    """Return the weights in Keras' order and axes."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return [state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    kernel = state[f"{name}.weight"]
    if isinstance(layer, keras.layers.Dense):
        return [kernel.T, state[f"{name}.bias"]]
    # torch keeps output, input, height, width; a depthwise kernel's output axis is Keras' channel axis.
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return [kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(2, 3, 1, 0)]
