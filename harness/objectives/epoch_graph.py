"""The graph of an epoch: one function call trains it, whatever the batch size, learning rate and dropout are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from harness.objectives.augmentation import Augmenter
from harness.objectives.schedules import Schedule
from harness.objectives.trained_part import Network
from harness.objectives.training_inputs import Rows
from harness.search_types import Parameters

EVALUATION_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the graphs hold because a trial may ask for it; what none asks for costs no time.

    ``decay``: weight decay other than 0, a pass over all weights. ``schedule``: a learning rate that changes from step
    to step. ``class_weights``: classes that don't count alike.
    """

    decay: bool = False
    schedule: bool = False
    class_weights: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmented:
    """Images to train on, and how they become rows that the network trains on: changed, then through what is frozen.

    ``frozen`` is a Keras model, None where the network takes images.
    """

    images: Rows
    augmentation: Augmenter
    frozen: Any | None

    def gather(self, index: Any, *, seed: Any, step: Any) -> Any:
        """Return the rows of ``index``, (batch, …), as float32."""
        images = self.augmentation(self.images.gather(index), seed=seed, step=step)
        return images if self.frozen is None else tf.cast(self.frozen(images, training=False), tf.float32)


class Steps:
    """Training and scoring of one network on one data set, traced once.

    What a trial asks for stands in variables, which ``begin`` sets; the batch size is a dynamic dimension.
    """

    def __init__(
        self,
        network: Network,
        rows: Rows,
        labels: Any,
        *,
        classes: int,
        jit: bool,
        needs: Needs,
        schedule: Schedule,
        balance: Any,
        augmented: Augmented | None,
    ) -> None:
        """Make the graph functions; tracing happens at their first call.

        ``balance`` (classes,) is how much an image of each class counts where classes are balanced; ``augmented`` what
        is trained on in place of the rows, which are scored all the same.
        """
        self._network = network
        self._rows = rows
        self._labels = tf.constant(labels, tf.int32)
        self._classes = classes
        self._needs = needs
        self._schedule = schedule
        self._augmented = augmented
        self._balance = tf.constant(balance, tf.float32)
        self._learning_rate = tf.Variable(0.0, trainable=False)
        self._falls = tf.Variable(initial_value=False, trainable=False)
        self._dropout = tf.Variable(0.0, trainable=False)
        self._label_smoothing = tf.Variable(0.0, trainable=False)
        self._class_weights = tf.Variable(tf.ones(classes), trainable=False)
        self._weight_decay = tf.Variable(0.0, trainable=False)
        self._step = tf.function(self._train_step, jit_compile=jit, reduce_retracing=True)
        rows_of, scalar, pair = (tf.TensorSpec(shape, tf.int32) for shape in ((None,), (), (2,)))
        self.train = tf.function(self._train_epoch, input_signature=[rows_of, scalar, scalar, pair])
        self.predict = tf.function(self._predict, jit_compile=False, input_signature=[rows_of])

    def begin(self, parameters: Parameters) -> None:
        """Set what the trial asks for; ``parameters`` are complete."""
        rate = float(parameters["learning_rate"])
        self._network.optimizer.learning_rate.assign(rate)
        self._learning_rate.assign(rate)
        self._falls.assign(parameters["schedule"] == "cosine")
        self._dropout.assign(float(parameters["dropout"]))
        self._weight_decay.assign(float(parameters["weight_decay"]))
        self._label_smoothing.assign(float(parameters["label_smoothing"]))
        is_balanced = parameters["class_weights"] == "balanced"
        self._class_weights.assign(self._balance if is_balanced else tf.ones_like(self._balance))

    def _train_epoch(self, order: Any, batch_size: Any, epoch: Any, seed: Any) -> Any:
        """Train on the rows of ``order``, in that order, as the ``epoch``-th; return the mean loss over them.

        ``seed`` has the epoch's seeds of dropout and of augmentation.
        """
        images = tf.size(order)
        total = tf.constant(0.0)
        for start in tf.range(0, images, batch_size):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            step = start // batch_size
            if self._needs.schedule:
                self._schedule_step(epoch, step, per_epoch=(images + batch_size - 1) // batch_size)
            index = order[start : tf.minimum(start + batch_size, images)]
            rows = self._trained_on(index, seed=seed[1], step=step)
            loss = self._step(rows, tf.gather(self._labels, index), tf.stack([seed[0], start]))
            total += loss * tf.cast(tf.size(index), tf.float32)
        return total / tf.cast(images, tf.float32)

    def _trained_on(self, index: Any, *, seed: Any, step: Any) -> Any:
        # Not in the step, which XLA may compile: it can neither rotate nor zoom.
        if self._augmented is None:
            return self._rows.gather(index)
        return self._augmented.gather(index, seed=seed, step=step)

    def _schedule_step(self, epoch: Any, step: Any, *, per_epoch: Any) -> None:
        factor = self._schedule.factor(epoch, step, per_epoch=per_epoch, falls=self._falls)
        self._network.optimizer.learning_rate.assign(self._learning_rate * factor)

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
        rate = tf.cast(self._dropout, features.dtype)
        kept = tf.random.stateless_uniform(tf.shape(features), seed, dtype=tf.float32) >= self._dropout
        return tf.where(kept, features / (1 - rate), tf.zeros_like(features))

    def _loss(self, labels: Any, logits: Any) -> Any:
        """Mean cross-entropy, labels smoothed as by keras.losses.CategoricalCrossentropy, weighted as by fit."""
        smoothing = self._label_smoothing
        targets = tf.one_hot(labels, self._classes) * (1 - smoothing) + smoothing / self._classes
        losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        if self._needs.class_weights:
            losses *= tf.gather(self._class_weights, labels)
        return tf.reduce_mean(losses)

    def _decay(self) -> None:
        """Decoupled weight decay (Loshchilov and Hutter 2019), before the update, as keras.optimizers.AdamW does."""
        if not self._needs.decay:
            return
        kept = 1 - self._weight_decay * tf.convert_to_tensor(self._network.optimizer.learning_rate)
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
