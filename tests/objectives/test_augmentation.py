"""Random changes of images that follow from seed and step alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from harness import matrix_schema
from harness.objectives.augmentation import Augmenter

pytestmark = pytest.mark.train

EACH: list[dict[str, Any]] = [
    {"flip": "horizontal"},
    {"flip": "vertical"},
    {"flip": "horizontal_and_vertical"},
    {"rotation": 0.1},
    {"translation": 0.2},
    {"zoom": 0.3},
    {"contrast": 0.4},
]
ALL: dict[str, Any] = {"flip": "horizontal", "rotation": 0.1, "translation": 0.2, "zoom": 0.3, "contrast": 0.4}


@pytest.fixture(autouse=True)
def float32_again() -> Iterator[None]:
    yield
    keras.mixed_precision.set_global_policy("float32")


def images(count: int = 8) -> NDArray[np.float32]:
    return np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3)).astype(np.float32)


def changed(subject: Augmenter, given: NDArray[np.float32], *, seed: int = 5, step: int = 0) -> NDArray[np.float32]:
    result: NDArray[np.float32] = subject(tf.constant(given), seed=seed, step=step).numpy()
    return result


def test_nothing_asked_for_changes_nothing() -> None:
    np.testing.assert_array_equal(changed(Augmenter(matrix_schema.Augmentation()), images()), images())


@pytest.mark.parametrize("asked", EACH, ids=str)
def test_each_changes_images_each_in_its_own_way_within_their_range(asked: dict[str, Any]) -> None:
    given = np.repeat(images(1), 40, axis=0)

    found = changed(Augmenter(matrix_schema.Augmentation(**asked)), given)

    assert (found.shape, found.dtype.name) == (given.shape, "float32")
    assert found.min() >= 0
    assert found.max() <= 255
    distinct = len(np.unique(found.reshape(40, -1), axis=0))
    assert distinct == {"horizontal": 2, "vertical": 2, "horizontal_and_vertical": 2}.get(str(asked.get("flip")), 40)


def test_equal_seeds_and_steps_give_equal_images_whatever_was_drawn_before() -> None:
    subject = Augmenter(matrix_schema.Augmentation(**ALL))
    first = changed(subject, images(), seed=5, step=3)
    for step in (0, 1, 2):
        changed(subject, images(3), seed=9, step=step)

    np.testing.assert_array_equal(changed(subject, images(), seed=5, step=3), first)
    np.testing.assert_array_equal(
        changed(Augmenter(matrix_schema.Augmentation(**ALL)), images(), seed=5, step=3), first
    )


@pytest.mark.parametrize("asked", EACH, ids=str)
def test_another_seed_or_step_gives_other_images(asked: dict[str, Any]) -> None:
    subject, given = Augmenter(matrix_schema.Augmentation(**asked)), np.repeat(images(1), 40, axis=0)
    first = changed(subject, given, seed=5, step=0)

    assert not np.array_equal(changed(subject, given, seed=6, step=0), first)
    assert not np.array_equal(changed(subject, given, seed=5, step=1), first)


def test_contrast_is_lowered_as_often_as_it_is_raised() -> None:
    given = np.repeat((images(1) / 4 + 96).astype(np.float32), 200, axis=0)

    found = changed(Augmenter(matrix_schema.Augmentation(contrast=0.4)), given)

    spread = found.std(axis=(1, 2, 3)) / given.std(axis=(1, 2, 3))
    assert 70 < np.count_nonzero(spread < 1) < 130
    assert spread.min() > 0.59
    assert spread.max() < 1.41


def test_a_graph_that_loops_draws_as_single_calls_do() -> None:
    subject = Augmenter(matrix_schema.Augmentation(**ALL))

    def three(batch: Any, seed: Any) -> Any:
        found = tf.TensorArray(tf.float32, size=3)
        for step in tf.range(3):
            found = found.write(step, subject(batch, seed=seed, step=step))
        return found.stack()

    signature = [tf.TensorSpec((None, 16, 16, 3)), tf.TensorSpec((), tf.int32)]
    in_a_graph = tf.function(three, input_signature=signature)
    for given in (images(1), images(7)):
        expected = np.stack([changed(subject, given, seed=2_147_483_646, step=step) for step in range(3)])
        np.testing.assert_allclose(in_a_graph(given, 2_147_483_646).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_takes_no_shades_away(precision: str) -> None:
    expected = changed(Augmenter(matrix_schema.Augmentation(**ALL)), images())
    keras.mixed_precision.set_global_policy(precision)

    np.testing.assert_array_equal(changed(Augmenter(matrix_schema.Augmentation(**ALL)), images()), expected)
