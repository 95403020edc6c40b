"""How the learning rate goes over the steps of a trial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A trial of full length: ``epochs`` epochs, over the first ``warmup_epochs`` of which the learning rate rises.

    It is ``keras.optimizers.schedules.CosineDecay`` with a warm-up from 0. A trial that is asked for fewer epochs takes
    the first steps of it, and one that continues another goes on where that would have been.
    """

    epochs: int
    warmup_epochs: float

    def factor(self, epoch: Any, step: Any, *, per_epoch: Any, falls: Any) -> Any:
        """Return what the learning rate is multiplied by, a float32 scalar, at a step within an epoch.

        Args:
            epoch: Number of the epoch, from 1, an integer scalar.
            step: Number of the step in it, from 0, an integer scalar.
            per_epoch: Steps of an epoch, an integer scalar.
            falls: Whether it falls along half a cosine after the warm-up, a boolean scalar; else it stays.
        """
        done, each = tf.cast((epoch - 1) * per_epoch + step, tf.float32), tf.cast(per_epoch, tf.float32)
        warmup = tf.round(self.warmup_epochs * each)
        fallen = tf.clip_by_value((done - warmup) / tf.maximum(self.epochs * each - warmup, 1.0), 0.0, 1.0)
        after = tf.where(falls, 0.5 * (1.0 + tf.cos(math.pi * fallen)), 1.0)
        return tf.where(done < warmup, done / tf.maximum(warmup, 1.0), after)
