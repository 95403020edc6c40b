"""The graph of an epoch: one function call trains it, whatever the batch size, learning rate and dropout are."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from harness.objectives.network import Network
from harness.objectives.rows import Rows

EVALUATION_BATCH = 256


class Steps:
    """Training and scoring of one network on one data set, traced once.

    Learning rate, dropout, weight decay and label smoothing are variables; the batch size is a dynamic dimension.
    """

    def __init__(self, network: Network, rows: Rows, labels: Any, *, classes: int, jit: bool, decays: bool) -> None:
        """Make the graph functions; tracing happens at their first call.

        ``decays`` says whether weight decay is ever other than 0: leaving it out spares a pass over all weights.
        """
        self._network = network
        self._rows = rows
        self._labels = tf.constant(labels, tf.int32)
        self._classes = classes
        self._decays = decays
        self.dropout = tf.Variable(0.0, trainable=False)
        self.label_smoothing = tf.Variable(0.0, trainable=False)
        self.weight_decay = tf.Variable(0.0, trainable=False)
        self._step = tf.function(self._train_step, jit_compile=jit, reduce_retracing=True)
        scalar = tf.TensorSpec((), tf.int32)
        self.train = tf.function(
            self._train_epoch, input_signature=[tf.TensorSpec((None,), tf.int32), scalar, tf.TensorSpec((2,), tf.int32)]
        )
        self.predict = tf.function(self._predict, jit_compile=False, input_signature=[tf.TensorSpec((None,), tf.int32)])

    def _train_epoch(self, order: Any, batch_size: Any, seed: Any) -> Any:
        """Train on the rows of ``order``, in that order; return the mean loss over them."""
        images = tf.size(order)
        total = tf.constant(0.0)
        for start in tf.range(0, images, batch_size):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            index = order[start : tf.minimum(start + batch_size, images)]
            loss = self._step(self._rows.gather(index), tf.gather(self._labels, index), tf.stack([seed[0], start]))
            total += loss * tf.cast(tf.size(index), tf.float32)
        return total / tf.cast(images, tf.float32)

    def _train_step(self, rows: Any, labels: Any, seed: Any) -> Any:
        network = self._network
        with tf.GradientTape() as tape:
            logits = network.classifier(self._dropped(network.features(rows), seed))
            loss = self._loss(labels, logits)
            scaled = network.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, [variable.value for variable in network.trainable])
        self._decay()
        network.optimizer.apply(gradients, network.trainable)
        return loss

    def _dropped(self, features: Any, seed: Any) -> Any:
        """Inverted dropout (Srivastava et al. 2014), as keras.layers.Dropout, with the rate a variable."""
        rate = tf.cast(self.dropout, features.dtype)
        kept = tf.random.stateless_uniform(tf.shape(features), seed, dtype=tf.float32) >= self.dropout
        return tf.where(kept, features / (1 - rate), tf.zeros_like(features))

    def _loss(self, labels: Any, logits: Any) -> Any:
        """Mean cross-entropy with the labels smoothed as keras.losses.CategoricalCrossentropy does."""
        smoothing = self.label_smoothing
        targets = tf.one_hot(labels, self._classes) * (1 - smoothing) + smoothing / self._classes
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))

    def _decay(self) -> None:
        """Decoupled weight decay (Loshchilov and Hutter 2019), before the update, as keras.optimizers.AdamW does."""
        if not self._decays:
            return
        kept = 1 - self.weight_decay * tf.convert_to_tensor(self._network.optimizer.learning_rate)
        for variable in self._network.trainable:
            variable.assign(variable * tf.cast(kept, variable.dtype))

    def _predict(self, index: Any) -> Any:
        """Return the predicted class of each row of ``index``."""
        chunks = tf.TensorArray(tf.int32, size=0, dynamic_size=True, infer_shape=False, element_shape=(None,))
        rows = tf.size(index)
        for start in tf.range(0, rows, EVALUATION_BATCH):
            chunk = index[start : tf.minimum(start + EVALUATION_BATCH, rows)]
            logits = self._network.logits(self._rows.gather(chunk))
            chunks = chunks.write(chunks.size(), tf.argmax(logits, axis=-1, output_type=tf.int32))
        return chunks.concat()
