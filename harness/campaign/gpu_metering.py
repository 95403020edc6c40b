"""The GPU that a worker is given, metered on the host while the worker lives."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from harness.executors import Devices, Ended, Executor, Slot
from harness.meters import nvml
from harness.meters.gpu_meter import GpuMeter
from harness.meters.nvml import Gpu
from harness.search_types import Reading


def meter_for(executor: Executor, slot: Slot) -> GpuMeter:
    """Begin to meter the GPU that the executor's next worker on a slot gets; call it before that starts."""
    return GpuMeter(_given(executor, slot), clock=time.monotonic)


def with_readings(ended: Ended, meter: GpuMeter) -> Ended:
    """Return ``ended`` with what the meter read as part of its evidence."""
    return replace(ended, evidence={**ended.evidence, "gpu": meter.readings()})


def _given(executor: Executor, slot: Slot) -> Gpu | Reading:
    """Return the device; a local process may see all of them, a container none but its own."""
    if executor.devices is Devices.ELSEWHERE:
        return Reading.unknown(f"{executor.name} may run the worker on another machine")
    sees_all = executor.devices is Devices.OF_HOST
    if slot.gpu is not None:
        return nvml.choose(nvml.find(), slot.gpu, by_bus=not sees_all)
    return nvml.visible(os.environ) if sees_all else Reading.unknown("the worker was given no GPU")
