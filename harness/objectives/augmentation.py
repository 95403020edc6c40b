"""Random changes of training images, by Keras' own layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from harness import matrix_schema

# More than any of the layers draws for a batch, so that no two batches of an epoch share a draw.
_DRAWS = 16


class Augmenter:
    """Keras' preprocessing layers, one after another, whose draws follow from seed and step alone.

    A layer draws by the state of its own ``SeedGenerator``, a pair of a seed and a counter. That pair is set before
    each batch, so that nothing depends on what was drawn before: equal seeds give equal images, for every tuner,
    whatever was trained before, and where a search was interrupted. ``tf.image``'s stateless functions would do that
    too, but neither rotate nor zoom, and wouldn't be what Keras' users have in their models.
    """

    def __init__(self, asked: matrix_schema.Augmentation) -> None:
        """Make the layers that are asked for."""
        self._layers = list(_layers(asked))

    def __call__(self, images: Any, *, seed: Any, step: Any) -> Any:
        """Return ``images``, (batch, height, width, 3) from 0 to 255, changed at random.

        Args:
            images: They stay in that range, as float32.
            seed: Of the epoch, an integer scalar.
            step: Number of the batch in it, an integer scalar.
        """
        for place, layer in enumerate(self._layers):
            layer.generator.state.assign(tf.stack([tf.cast(seed, tf.int64) + place, tf.cast(step, tf.int64) * _DRAWS]))
            images = layer(images, training=True)
        return images


def _layers(asked: matrix_schema.Augmentation) -> Iterator[Any]:
    # In float32 whatever the policy is: half precision has no room for 256 shades and what lies between them.
    options = {"dtype": "float32", "seed": 1}
    if asked.flip is not None:
        yield keras.layers.RandomFlip(asked.flip, **options)
    if asked.rotation is not None:
        yield keras.layers.RandomRotation(asked.rotation, **options)
    if asked.translation is not None:
        yield keras.layers.RandomTranslation(asked.translation, asked.translation, **options)
    if asked.zoom is not None:
        yield keras.layers.RandomZoom(asked.zoom, **options)
    if asked.contrast is not None:
        # As a pair: a single number only raises contrast in Keras 3.15, though its documentation says otherwise.
        yield keras.layers.RandomContrast((asked.contrast, asked.contrast), value_range=(0, 255), **options)
