"""Models of users' own; the one of the documentation among them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from harness.backbones import frozen_and_trained_parts
from harness.backbones.weights import RANDOM, Weights
from harness.errors import MachineError, UserError, WeightsError
from harness.matrix_schema import Backbone
from harness.testing import ModelContract

pytestmark = [
    pytest.mark.train,
    # Keras' saving asks TensorFlow's variables for arrays in numpy 1's way.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

PAGE = Path(__file__).parents[2] / "docs" / "add-a-model.md"
DOCUMENTED = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
SIZE = 32
IMAGES = np.random.default_rng(1).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)

Made = Callable[..., frozen_and_trained_parts.Parts]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Build the model that a file of this text defines."""

    def make(
        text: str, *, train: str = "all", weights: Weights = RANDOM, seed: int = 1, **options: Any
    ) -> frozen_and_trained_parts.Parts:
        path = tmp_path / "my model.py"
        path.write_text(text, "utf-8")
        file = {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        section = Backbone(model="file", path="my model.py", weights="none", train=train, options=options)
        return frozen_and_trained_parts.build(section, weights, image_size=SIZE, seed=seed, file=file)

    return make


def documented() -> Any:
    names: dict[str, Any] = {}
    exec(DOCUMENTED, names)  # noqa: S102 - what the documentation shows
    return names["create"]


class TestTheDocumentedModel(ModelContract):
    def create(self, *, image_size: int) -> keras.Model:
        model: keras.Model = documented()(image_size=image_size)
        return model


def features_of(parts: frozen_and_trained_parts.Parts) -> Any:
    below = IMAGES if parts.below is None else np.asarray(parts.below(IMAGES))
    return below if parts.above is None else np.asarray(parts.above(below))


@pytest.mark.parametrize("train", ["head", "last:2", "all"])
def test_it_is_cut_where_training_begins_and_gives_the_same_features(made: Made, train: str) -> None:
    keras.utils.set_random_seed(1)
    whole = documented()(image_size=SIZE)

    parts = made(DOCUMENTED, train=train)

    assert (parts.below is None, parts.above is None) == (train == "all", train == "head")
    assert parts.width == 128
    assert parts.parameters == whole.count_params()
    np.testing.assert_allclose(features_of(parts), np.asarray(whole(IMAGES)), atol=1e-5)


def test_options_reach_it_and_seeds_draw_its_weights(made: Made) -> None:
    assert made(DOCUMENTED, blocks=1, width=8).width == 8

    first, again, other = (features_of(made(DOCUMENTED, seed=seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_a_chain_of_layers_is_a_model_too(made: Made) -> None:
    text = """
import keras
def create(*, image_size):
    layers = [keras.Input((image_size, image_size, 3)), keras.layers.Conv2D(4, 3), keras.layers.GlobalMaxPooling2D()]
    return keras.Sequential(layers)
"""
    assert made(text, train="last:1").width == 4


def test_weights_of_a_file_are_loaded_into_it(made: Made, tmp_path: Path) -> None:
    keras.utils.set_random_seed(99)
    saved = documented()(image_size=SIZE)
    weights = file_of(saved, tmp_path / "mine.weights.h5")

    parts = made(DOCUMENTED, train="head", weights=weights)

    np.testing.assert_allclose(features_of(parts), np.asarray(saved(IMAGES)), atol=1e-5)


def test_weights_of_another_model_are_an_error_that_says_what_would_fit(made: Made, tmp_path: Path) -> None:
    weights = file_of(documented()(image_size=SIZE, blocks=1), tmp_path / "mine.weights.h5")

    with pytest.raises(WeightsError, match="save the weights of what create returns, with the same options"):
        made(DOCUMENTED, weights=weights)


def file_of(model: keras.Model, path: Path) -> Weights:
    model.save_weights(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Weights(kind="file", path=str(path), sha256=sha256, source=path.name, trained_on="unknown")


SHAPED = """
import keras
def create(*, image_size):
    images = keras.Input({shape})
    return keras.Model({inputs}, {outputs})
"""
POOLED = "keras.layers.GlobalAveragePooling2D()(images)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def create(*, image_size): return None", "create returned NoneType, no keras.Model"),
        (
            "import keras\nclass Mine(keras.Model): ...\ndef create(*, image_size): return Mine()",
            "create returned a model without inputs of its own; begin it with keras.Input",
        ),
        (
            "import keras\ndef create(*, image_size): return keras.Sequential([keras.layers.Flatten()])",
            "create returned a model without inputs of its own",
        ),
        (
            SHAPED.format(shape="(16, 16, 3)", inputs="images", outputs=POOLED),
            "the model takes (None, 16, 16, 3), and images are (None, 32, 32, 3)",
        ),
        (
            SHAPED.format(shape="(32, 32, 3)", inputs="images", outputs="images"),
            "the model gives (None, 32, 32, 3), and features are (None, width); end it with global pooling",
        ),
        (
            SHAPED.format(shape="(32, 32, 3)", inputs="images", outputs=f"[{POOLED}, {POOLED}]"),
            "the model gives (None, 3) and (None, 3), and features are (None, width)",
        ),
    ],
)
def test_what_is_no_such_model_is_an_error_that_names_the_file(made: Made, text: str, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        made(text)

    assert str(raised.value).startswith("my model.py: ")
    assert str(raised.value).endswith("; docs/add-a-model.md shows one")


def test_more_layers_than_it_has_are_told(made: Made) -> None:
    with pytest.raises(UserError, match="'last:99' is more than the 6 layers"):
        made(DOCUMENTED, train="last:99")


def test_a_file_that_changed_since_the_plan_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("raise SystemExit('run')", "utf-8")
    section = Backbone(model="file", path="mine.py", weights="none")

    with pytest.raises(MachineError, match="changed since the run began"):
        frozen_and_trained_parts.build(
            section, RANDOM, image_size=SIZE, seed=1, file={"path": str(path), "sha256": "0" * 64}
        )
