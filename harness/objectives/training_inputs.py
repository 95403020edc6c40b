"""Training data by row: uint8 images, or activations that a frozen part has computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

# Larger arrays stay on the disk as a memory map and are read batch by batch.
LARGEST_IN_MEMORY_BYTES = 4 * 2**30


class Rows:
    """Rows of one array, gathered inside a graph."""

    def __init__(self, values: npt.NDArray[Any]) -> None:
        """Hold ``values``, (N, …); images are uint8 and come out as float32 in 0 to 255."""
        self._values = values
        self._tensor = tf.constant(values) if values.nbytes <= LARGEST_IN_MEMORY_BYTES else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(self._values.shape[1:])

    def gather(self, index: Any) -> Any:
        """Return the rows of ``index``, (batch, …), as float32."""
        rows = self._from_disk(index) if self._tensor is None else tf.gather(self._tensor, index)
        return tf.cast(rows, tf.float32)

    def _from_disk(self, index: Any) -> Any:
        rows = tf.numpy_function(self._read, [index], tf.as_dtype(self._values.dtype), stateful=False)
        return tf.ensure_shape(rows, (None, *self.shape))

    def _read(self, index: npt.NDArray[np.int32]) -> npt.NDArray[Any]:
        return np.ascontiguousarray(self._values[index])
