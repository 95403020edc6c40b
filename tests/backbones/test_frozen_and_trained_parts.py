from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness import files
from harness.backbones import feature_extractor, frozen_and_trained_parts
from harness.backbones.weights import RANDOM, Weights
from harness.errors import UserError
from harness.matrix_schema import Backbone

pytestmark = [
    pytest.mark.train,
    # Keras' saving asks TensorFlow's variables for arrays in numpy 1's way.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

Learn = Callable[[Any, Any], None]

SIZE = 32
IMAGES = np.random.default_rng(1).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)


@dataclass(frozen=True)
class Saved:
    """Weights in a file, and the features that keras.applications makes with them, fed as its guide says."""

    model: str
    weights: Weights
    features: Any


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory, learn_statistics: Learn) -> Saved:
    return saved("MobileNetV2", IMAGES / 127.5 - 1, tmp_path_factory.mktemp("mobilenet"), learn_statistics)


@pytest.fixture(scope="module")
def efficientnet(tmp_path_factory: pytest.TempPathFactory, learn_statistics: Learn) -> Saved:
    return saved("EfficientNetV2B0", IMAGES, tmp_path_factory.mktemp("efficientnet"), learn_statistics)


def saved(model: str, inputs: Any, folder: Path, learn_statistics: Learn) -> Saved:
    keras.utils.set_random_seed(7)
    core = feature_extractor.core(section("head", model), image_size=SIZE)
    learn_statistics(core, inputs)
    path = folder / "w.weights.h5"
    core.save_weights(path)
    weights = Weights(kind="file", path=str(path), sha256=files.sha256_of(path), source=path.name, trained_on="unknown")
    features = np.asarray(core(inputs, training=False))
    assert features.std() > 0.1
    return Saved(model, weights, features)


Split = Callable[[str, int], tuple[Saved, frozen_and_trained_parts.Parts]]


def section(train: str, model: str = "MobileNetV2") -> Backbone:
    alphas = {"MobileNet": 0.25, "MobileNetV2": 0.35}
    return Backbone(model=model, weights="none", train=train, alpha=alphas.get(model))


def parts_of(train: str, start: Saved) -> frozen_and_trained_parts.Parts:
    return frozen_and_trained_parts.build(section(train, start.model), start.weights, image_size=SIZE, seed=1)


def random_parts(train: str, *, seed: int = 1) -> frozen_and_trained_parts.Parts:
    return frozen_and_trained_parts.build(section(train, "MobileNet"), RANDOM, image_size=SIZE, seed=seed)


def features_of(parts: frozen_and_trained_parts.Parts, *, training: bool = False) -> Any:
    activations = IMAGES if parts.below is None else parts.below(IMAGES, training=training)
    return np.asarray(activations if parts.above is None else parts.above(activations, training=training))


def trained_layers(model: keras.Model) -> set[str]:
    return {variable.path.split("/")[-2] for variable in model.trainable_variables}


def test_a_head_freezes_the_whole_backbone(mobilenet: Saved) -> None:
    parts = parts_of("head", mobilenet)

    assert parts.above is None
    assert parts.trainable == 0
    assert parts.below is not None
    assert parts.below.trainable_variables == []
    assert features_of(parts).shape == (3, 1280) == (3, parts.width)
    np.testing.assert_allclose(features_of(parts), mobilenet.features, atol=1e-5)


def test_all_trains_the_whole_backbone_but_not_its_statistics(mobilenet: Saved) -> None:
    parts = parts_of("all", mobilenet)

    assert parts.below is None
    assert parts.above is not None
    assert parts.parameters == parts.above.count_params() == 410_208
    assert parts.trainable == 396_128
    # Training first: had it changed the statistics, the second features would differ.
    np.testing.assert_allclose(features_of(parts, training=True), mobilenet.features, atol=1e-5)
    np.testing.assert_allclose(features_of(parts), mobilenet.features, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "layers"), [("mobilenet", 1), ("mobilenet", 23), pytest.param("efficientnet", 90, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("training", [False, True])
def test_a_split_backbone_gives_the_features_of_the_whole_whatever_training_says(
    split: Split, name: str, layers: int, *, training: bool
) -> None:
    start, parts = split(name, layers)

    assert parts.below is not None
    assert parts.above is not None
    assert parts.below.trainable_variables == []
    assert len(trained_layers(parts.above)) == layers
    assert parts.below.count_params() + parts.above.count_params() == parts.parameters
    np.testing.assert_allclose(features_of(parts, training=training), start.features, atol=1e-5)


@pytest.fixture(scope="module")
def split(request: pytest.FixtureRequest) -> Split:
    """Build each split once."""
    return functools.cache(lambda name, layers: split_once(request.getfixturevalue(name), layers))


def split_once(start: Saved, layers: int) -> tuple[Saved, frozen_and_trained_parts.Parts]:
    return start, parts_of(f"last:{layers}", start)


def test_the_last_two_layers_are_a_convolution_and_its_normalisation(mobilenet: Saved) -> None:
    assert parts_of("last:2", mobilenet).trainable == 2 * 1280 + 112 * 1280


def test_layers_between_the_cut_and_the_trained_ones_stay_frozen(mobilenet: Saved) -> None:
    # The fourth of block 15, whose shortcut starts before its first layer.
    parts = parts_of("last:11", mobilenet)

    assert parts.above is not None
    frozen = {layer.name for layer in parts.above.layers[1].model.layers if layer.weights} - trained_layers(parts.above)
    assert frozen == {"block_15_expand", "block_15_expand_BN", "block_15_depthwise"}


def test_training_every_layer_leaves_nothing_below(mobilenet: Saved) -> None:
    parts = parts_of("last:104", mobilenet)

    assert parts.below is None
    assert parts.trainable == 396_128
    np.testing.assert_allclose(features_of(parts), mobilenet.features, atol=1e-5)


def test_more_layers_than_there_are_cannot_be_trained() -> None:
    with pytest.raises(UserError, match=r"'last:55' is more than the 54 layers"):
        random_parts("last:55")


def test_a_random_backbone_trained_as_a_whole_uses_the_statistics_of_the_batch() -> None:
    parts = random_parts("all")
    before = features_of(parts)

    in_training = features_of(parts, training=True)

    assert in_training.std() > 0.1
    assert before.std() < 0.1
    assert not np.array_equal(features_of(parts), before)


@pytest.mark.parametrize("train", ["head", "last:3"])
def test_a_random_backbone_with_a_frozen_part_keeps_its_statistics(train: str) -> None:
    parts = random_parts(train)

    np.testing.assert_array_equal(features_of(parts, training=True), features_of(parts))


def test_gradients_reach_each_trained_layer(mobilenet: Saved) -> None:
    parts = parts_of("last:4", mobilenet)
    assert parts.below is not None
    assert parts.above is not None

    with tf.GradientTape() as tape:
        loss = keras.ops.sum(parts.above(parts.below(IMAGES), training=True) ** 2)
    gradients = tape.gradient(loss, [variable.value for variable in parts.above.trainable_variables])

    assert len(gradients) == 6
    assert all(float(keras.ops.max(keras.ops.abs(gradient))) > 0 for gradient in gradients)


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    first, same, other = (kernel_of(random_parts("head", seed=seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.01


def kernel_of(parts: frozen_and_trained_parts.Parts) -> Any:
    assert parts.below is not None
    return np.array(parts.below.get_weights()[0])


@pytest.mark.slow
@pytest.mark.parametrize("model", ["ConvNeXtTiny", "DenseNet121", "InceptionV3", "NASNetMobile", "MobileNetV3Small"])
def test_other_families_are_split_too(model: str) -> None:
    images = np.random.default_rng(1).uniform(0, 255, (1, 96, 96, 3)).astype(np.float32)
    spec = Backbone(model=model, weights="none", train="last:30")
    whole = frozen_and_trained_parts.build(spec.model_copy(update={"train": "head"}), RANDOM, image_size=96, seed=1)
    parts = frozen_and_trained_parts.build(spec, RANDOM, image_size=96, seed=1)
    assert whole.below is not None
    assert parts.below is not None
    assert parts.above is not None

    np.testing.assert_allclose(parts.above(parts.below(images)), whole.below(images), rtol=1e-4)
