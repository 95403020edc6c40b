"""Classifiers on frozen features, all of one batch size trained side by side in one graph.

Heads of one seed start from the same weights, see the same batches, and drop what one draw of random numbers says, each
by its own rate. So one gather, one draw and a wide product serve them all; each has its own learning rate and optimizer
state, and none sees another's numbers. Curves equal those of heads trained alone up to rounding, as sums are taken in
another order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness.objectives.epoch_graph import EVALUATION_BATCH

# As keras.optimizers.Adam has them (Kingma and Ba 2015).
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7

Index = npt.NDArray[np.int32]
Weights = tuple[Any, ...]
"""Weights of all heads, one tensor (width + 1, heads × classes) for each dropout rate; the last row is the bias."""


@dataclass(frozen=True, slots=True)
class Head:
    """What makes one head another."""

    learning_rate: float
    dropout: float


@dataclass(frozen=True, slots=True)
class HeadState:
    """Weights of all heads, and what Adam remembers of each. ``steps`` is how many updates there were."""

    weights: Weights
    momentum: Weights
    velocity: Weights
    steps: Any

    @classmethod
    def fresh(cls, weights: Weights) -> HeadState:
        """Return weights with an optimizer that has seen nothing."""
        zeros = tuple(map(tf.zeros_like, weights))
        return cls(weights, zeros, zeros, tf.constant(0.0))


class SideBySide:
    """Heads on the rows of one data set; arrays of one value for each head are in the order of ``heads``."""

    def __init__(
        self, rows: npt.NDArray[Any], labels: npt.NDArray[Any], *, classes: int, heads: Sequence[Head]
    ) -> None:
        """Hold ``rows`` (N, width) and ``labels`` (N,) on the device."""
        self._rows = tf.constant(rows, tf.float32)
        self._labels = tf.constant(labels, tf.int32)
        self._classes = classes
        places: dict[float, list[int]] = defaultdict(list)
        for place, head in enumerate(heads):
            places[head.dropout].append(place)
        self._dropouts = list(places)
        self._places = list(places.values())
        rates = [[heads[place].learning_rate for place in group] for group in self._places]
        self._rates = [tf.constant(np.repeat(each, classes), tf.float32) for each in rates]
        self._train = tf.function(self._train_epoch, reduce_retracing=True)
        self._predict = tf.function(self._predictions, reduce_retracing=True)

    def begin(self, kernel: npt.NDArray[Any], bias: npt.NDArray[Any]) -> HeadState:
        """Return every head at the same weights, ``kernel`` (width, classes) and ``bias`` (classes,)."""
        one = np.vstack([kernel, bias]).astype(np.float32)
        return HeadState.fresh(tuple(tf.constant(np.tile(one, len(group))) for group in self._places))

    def train(
        self, state: HeadState, order: Index, *, batch_size: int, seed: int
    ) -> tuple[HeadState, npt.NDArray[np.float32]]:
        """Train an epoch over the rows of ``order``, in that order; return the mean loss of each head beside."""
        arrays = state.weights, state.momentum, state.velocity, state.steps
        weights, momentum, velocity, steps, losses = self._train(
            arrays, tf.constant(order), tf.constant(batch_size), tf.constant(seed)
        )
        return HeadState(weights, momentum, velocity, steps), self._in_order(losses)

    def confusions(self, state: HeadState, index: Index) -> npt.NDArray[np.int64]:
        """Return the confusion matrix of each head on the rows of ``index``, (heads, classes, classes)."""
        classes, labels = self._classes, self._labels.numpy()[index].astype(np.int64)
        predicted = self._in_order(self._predict(state.weights, tf.constant(index)))
        heads = np.arange(len(predicted))[:, None]
        cells = (heads * classes + labels) * classes + predicted
        counts = np.bincount(cells.ravel(), minlength=heads.size * classes * classes)
        return counts.reshape(-1, classes, classes)

    def chosen(self, where: npt.NDArray[np.bool_], these: Weights, others: Weights) -> Weights:
        """Return ``these`` for the heads at which ``where`` is true, and ``others`` for the rest."""
        masks = [tf.constant(np.repeat(where[group], self._classes)) for group in self._places]
        return tuple(tf.where(mask, one, other) for mask, one, other in zip(masks, these, others, strict=True))

    def _in_order(self, by_group: Sequence[Any]) -> npt.NDArray[Any]:
        """Return values that come by dropout rate in the order of the heads."""
        values = [each.numpy() for each in by_group]
        found = np.empty((sum(map(len, self._places)), *values[0].shape[1:]), values[0].dtype)
        for group, own in zip(self._places, values, strict=True):
            found[group] = own
        return found

    def _train_epoch(self, arrays: Any, order: Any, batch_size: Any, seed: Any) -> Any:
        weights, momentum, velocity, steps = arrays
        images = tf.size(order)
        totals = tuple(tf.zeros(len(group)) for group in self._places)
        for start in tf.range(0, images, batch_size):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            index = order[start : tf.minimum(start + batch_size, images)]
            steps += 1.0
            drawn = tf.random.stateless_uniform((tf.size(index), self._rows.shape[1]), tf.stack([seed, start]))
            weights, momentum, velocity, losses = self._updated((weights, momentum, velocity), steps, index, drawn)
            share = tf.cast(tf.size(index), tf.float32)
            totals = tuple(total + loss * share for total, loss in zip(totals, losses, strict=True))
        return weights, momentum, velocity, steps, tuple(total / tf.cast(images, tf.float32) for total in totals)

    def _updated(self, arrays: Any, steps: Any, index: Any, drawn: Any) -> Any:
        """Return all after a step of Adam, as keras.optimizers.Adam takes it, and each head's loss before it."""
        weights, momentum, velocity = arrays
        rows, targets = tf.gather(self._rows, index), tf.one_hot(tf.gather(self._labels, index), self._classes)
        correction = tf.sqrt(1 - _BETA_2**steps) / (1 - _BETA_1**steps)
        found = []
        for group, dropout in enumerate(self._dropouts):
            seen = _with_ones(tf.where(drawn >= dropout, rows / (1 - dropout), tf.zeros_like(rows)))
            gradient, losses = self._gradient(seen, weights[group], targets)
            first = momentum[group] + (gradient - momentum[group]) * (1 - _BETA_1)
            second = velocity[group] + (tf.square(gradient) - velocity[group]) * (1 - _BETA_2)
            change = first * (self._rates[group] * correction) / (tf.sqrt(second) + _EPSILON)
            found.append((weights[group] - change, first, second, losses))
        return tuple(zip(*found, strict=True))

    def _gradient(self, seen: Any, weights: Any, targets: Any) -> Any:
        """Return the gradient of the mean cross-entropy by ``weights``, and the cross-entropy of each head."""
        logits = self._by_head(tf.matmul(seen, weights))
        spread = targets[:, None] + tf.zeros_like(logits)
        losses = tf.nn.softmax_cross_entropy_with_logits(spread, logits)
        error = (tf.nn.softmax(logits) - spread) / tf.cast(tf.shape(seen)[0], tf.float32)
        flat = tf.reshape(error, (-1, weights.shape[1]))
        return tf.matmul(seen, flat, transpose_a=True), tf.reduce_mean(losses, axis=0)

    def _predictions(self, weights: Any, index: Any) -> Any:
        """Return the class that each head predicts for each row, (heads, rows), by dropout rate."""
        chunks = tf.TensorArray(tf.int32, size=0, dynamic_size=True, infer_shape=False, element_shape=(None, None))
        rows = tf.size(index)
        for start in tf.range(0, rows, EVALUATION_BATCH):
            seen = _with_ones(tf.gather(self._rows, index[start : tf.minimum(start + EVALUATION_BATCH, rows)]))
            classes = [tf.argmax(self._by_head(tf.matmul(seen, each)), -1, tf.int32) for each in weights]
            chunks = chunks.write(chunks.size(), tf.concat(classes, axis=1))
        return tf.split(tf.transpose(chunks.concat()), [len(group) for group in self._places])

    def _by_head(self, logits: Any) -> Any:
        return tf.reshape(logits, (tf.shape(logits)[0], -1, self._classes))


def _with_ones(rows: Any) -> Any:
    return tf.concat([rows, tf.ones((tf.shape(rows)[0], 1))], axis=1)
