"""TensorFlow's process-wide settings, made before anything is built."""

from __future__ import annotations

import os
import platform
from typing import Any

import keras
import tensorflow as tf

from harness import compute_capability
from harness.errors import MachineError
from harness.matrix_schema import Protocol
from harness.objectives import tensorflow_device_checks
from harness.objectives.tensorflow_device_checks import TrainingGpu
from harness.search_types import Reading

CPU = "cpu"
"""What the device is called where there is no GPU."""


def configure(protocol: Protocol, *, seed: int) -> None:
    """Set seeds, determinism, precision and memory growth for this process."""
    keras.utils.set_random_seed(seed)
    keras.mixed_precision.set_global_policy(protocol.precision)
    if protocol.determinism:
        tf.config.experimental.enable_op_determinism()
        if protocol.jit:
            _add_xla_flag("--xla_gpu_deterministic_ops=true")
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, enable=True)


def check_devices(*, needs_gpu: bool) -> None:
    """Refuse to train where a GPU was asked for and none is seen, or on one that TensorFlow has no code for.

    Raises:
        MachineError: One line says which, and the way out.
    """
    seen = [_described(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    found = tensorflow_device_checks.trouble(
        seen,
        build=tf.sysconfig.get_build_info(),
        needs_gpu=needs_gpu,
        machine=platform.machine(),
        cudnn=compute_capability.installed_cudnn(),
    )
    if found is not None:
        raise MachineError(found)


def device_name() -> str:
    """Return the name of the device that trains: the GPU's, or ``cpu``."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return CPU
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu"))


def device_peak_memory() -> Reading:
    """Return the most bytes that TensorFlow's allocator has held on the GPU so far."""
    if not tf.config.list_physical_devices("GPU"):
        return Reading.unknown("no GPU: the device's memory is the machine's")
    return Reading(value=float(tf.config.experimental.get_memory_info("GPU:0")["peak"]))


def _described(gpu: Any) -> TrainingGpu:
    details = tf.config.experimental.get_device_details(gpu)
    return TrainingGpu(name=str(details.get("device_name", "the GPU")), capability=details.get("compute_capability"))


def _add_xla_flag(flag: str) -> None:
    os.environ["XLA_FLAGS"] = " ".join([*os.environ.get("XLA_FLAGS", "").split(), flag])
