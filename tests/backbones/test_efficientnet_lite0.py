from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from harness import downloads
from harness.backbones import efficientnet_lite0, weights
from harness.errors import WeightsError
from harness.matrix_schema import Backbone

pytestmark = pytest.mark.train

PHOTOS_SHA256 = "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb"

TorchWriter = Callable[[Path, Mapping[str, Any]], Path]


@pytest.fixture(scope="module")
def core() -> keras.Model:
    return efficientnet_lite0.core(image_size=32)


def test_the_network_has_the_published_size(core: keras.Model) -> None:
    # 4.7 million with the classifier of 1280 × 1000 + 1000, and the seven numbers of the input normalisation.
    assert core.count_params() + 1_281_000 == 4_694_031
    assert core.output_shape == (None, 1280)


def test_pixels_are_scaled_by_127_and_128(core: keras.Model) -> None:
    scale = keras.Model(core.input, core.layers[2].output)

    scaled = np.asarray(scale(np.full((1, 32, 32, 3), 255.0, np.float32)))

    assert scaled == pytest.approx(np.ones((1, 32, 32, 3)))


def test_torch_names_and_axes_become_keras_ones(tmp_path: Path, core: keras.Model, torch_writer: TorchWriter) -> None:
    state = random_state(core)

    efficientnet_lite0.load(core, torch_writer(tmp_path / "lite0.pth", state))

    stem, depthwise, last = (core.get_layer(name) for name in ("stem_conv", "block2a_dwconv", "block7a_project_bn"))
    np.testing.assert_array_equal(stem.kernel[2, 1, 0, 5], state["_conv_stem.weight"][5, 0, 2, 1])
    np.testing.assert_array_equal(depthwise.kernel[2, 0, 7, 0], state["_blocks.1._depthwise_conv.weight"][7, 0, 2, 0])
    for variable, part in (("gamma", "weight"), ("moving_variance", "running_var")):
        np.testing.assert_array_equal(getattr(last, variable), state[f"_blocks.15._bn2.{part}"])


def random_state(core: keras.Model) -> dict[str, Any]:
    """Make up a torch state with the shapes of the published one."""
    state: dict[str, Any] = {}
    rng = np.random.default_rng(5)
    blocks = {layer.name.split("_")[0]: None for layer in core.layers if layer.name.startswith("block")}
    parts = {
        "expand": ("_expand_conv", "_bn0"),
        "dw": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"),
    }
    names = {"stem_conv": "_conv_stem", "stem_bn": "_bn0", "top_conv": "_conv_head", "top_bn": "_bn1"}
    for number, block in enumerate(blocks):
        keras_names = [
            f"{block}_{part}" for part in ("expand_conv", "expand_bn", "dwconv", "bn", "project_conv", "project_bn")
        ]
        torch_names = [f"_blocks.{number}.{name}" for pair in parts.values() for name in pair]
        names |= dict(zip(keras_names, torch_names, strict=True))
    for layer in core.layers:
        if layer.name in names:
            state |= torch_weights(layer, names[layer.name], rng)
    return state


def torch_weights(layer: keras.Layer, name: str, rng: np.random.Generator) -> dict[str, Any]:
    shape = tuple(layer.weights[0].shape)
    if len(shape) == 1:
        return {
            f"{name}.{part}": rng.random(shape, np.float32)
            for part in ("weight", "bias", "running_mean", "running_var")
        }
    height, width, ins, outs = shape
    torch_shape = (ins, outs, height, width) if "dwconv" in layer.name else (outs, ins, height, width)
    return {f"{name}.weight": rng.random(torch_shape, np.float32)}


def test_another_network_is_refused(tmp_path: Path, core: keras.Model, torch_writer: TorchWriter) -> None:
    path = torch_writer(tmp_path / "other.pth", {"_conv_stem.weight": np.zeros((8, 3, 3, 3), np.float32)})

    with pytest.raises(WeightsError, match=r"other\.pth: _conv_stem is not EfficientNetLite0's stem_conv"):
        efficientnet_lite0.load(core, path)


def test_a_missing_tensor_is_named(tmp_path: Path, core: keras.Model, torch_writer: TorchWriter) -> None:
    path = torch_writer(tmp_path / "short.pth", {"_conv_stem.weight": np.zeros((32, 3, 3, 3), np.float32)})

    with pytest.raises(WeightsError, match=r"short\.pth: _bn0 is not EfficientNetLite0's stem_bn"):
        efficientnet_lite0.load(core, path)


@pytest.mark.slow
def test_the_packaged_weights_name_eighteen_of_twenty_photos(tmp_path: Path) -> None:
    spec = Backbone(model="EfficientNetLite0", weights="packaged")
    found = weights.resolve(spec, image_size=224, base=tmp_path, cache=tmp_path)
    images, labels = photos(tmp_path)
    classifier = efficientnet_lite0.classifier(image_size=224)

    efficientnet_lite0.load(classifier, Path(found.path or ""))

    assert len(labels) == 20
    assert sum(np.asarray(classifier(images)).argmax(axis=1) == labels) >= 18


def photos(cache: Path) -> tuple[Any, list[int]]:
    """Return ImageNet photos, resized and cropped as usual, and the classes that their names end with."""
    wheel = downloads.from_package("foolbox", "3.3.4", sha256=PHOTOS_SHA256, cache=cache)
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("foolbox/data/imagenet_")]
        images = [cropped(Image.open(archive.open(name))) for name in names]
    return np.stack(images), [int(Path(name).stem.split("_")[-1]) for name in names]


def cropped(photo: Image.Image) -> Any:
    small = photo.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC).crop((16, 16, 240, 240))
    return np.asarray(small, dtype=np.float32)
