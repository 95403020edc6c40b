"""What an error of TensorFlow is: of the configuration, of the device's memory, or of a device that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from harness.errors import MachineError
from harness.search_types import OutOfMemory, TrialFailed

# These two are said of what was asked for. By any other a device may be gone: CUDA's failures come as several of them.
_OF_THE_CONFIGURATION = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)


@contextmanager
def as_outcomes() -> Iterator[None]:
    """Translate what TensorFlow raises while a trial is trained or scored.

    Raises:
        OutOfMemory: The device could not hold it.
        TrialFailed: TensorFlow refused or failed, and the device still computes.
        MachineError: The device no longer computes: no fault of the trial, and none after it could be trained.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise OutOfMemory(_first_line(error)) from error
    except tf.errors.OpError as error:
        _refuse_lost_device(error)
        raise TrialFailed(_first_line(error)) from error


@contextmanager
def device_watched() -> Iterator[None]:
    """Let errors through, but those after which the device no longer computes.

    Raises:
        MachineError: The device no longer computes.
    """
    try:
        yield
    except tf.errors.OpError as error:
        _refuse_lost_device(error)
        raise


def compute_a_little() -> None:
    """Add two numbers on the device that trains and wait for the sum; TensorFlow's own error tells where it can't."""
    # A sum, not a product of matrices: that needs cuBLAS, which may lack memory on a sound device.
    with tf.device("GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"):
        tf.add(tf.ones(()), tf.ones(())).numpy()


def _refuse_lost_device(error: tf.errors.OpError) -> None:
    if isinstance(error, (*_OF_THE_CONFIGURATION, tf.errors.ResourceExhaustedError)):
        return
    try:
        compute_a_little()
    except tf.errors.ResourceExhaustedError:
        # Too full for two numbers, but it answers.
        return
    except tf.errors.OpError:
        remedy = "look for it in dmesg and nvidia-smi, then run again"
        raise MachineError(f"the device no longer computes: {_first_line(error)}; {remedy}") from error


def _first_line(error: Exception) -> str:
    said = str(error).strip() or "without a message"
    return f"{type(error).__name__}: {said.splitlines()[0][:300]}"
