"""The device that this worker trains on, as its driver describes it."""

from __future__ import annotations

import os

from harness.meters import nvml
from harness.meters.nvml import Gpu
from harness.objectives import tensorflow_settings
from harness.search_types import Reading


def trained_on() -> Gpu | Reading | None:
    """Return the GPU, or the reason why it can't be told which it is; None where TensorFlow trains on the CPU."""
    return None if tensorflow_settings.device_name() == tensorflow_settings.CPU else nvml.visible(os.environ)


def facts(gpu: Gpu | Reading | None) -> dict[str, object]:
    """Return what the record's environment says of the GPU: UUID, driver and compute capability; or why it can't."""
    if gpu is None:
        return {}
    if isinstance(gpu, Reading):
        return {"device_unknown": gpu.reason}
    return {name: value for name, value in gpu.facts.items() if name != "device_name"}
