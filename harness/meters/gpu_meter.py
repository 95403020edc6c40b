"""A GPU metered from the host, for the life of one worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from harness.meters.nvml import Gpu
from harness.search_types import Reading

# Utilisation is an average over up to a second, and the energy counter needs no sampling at all.
SAMPLE_S = 0.5
# Below, the counter's own step of up to 0.1 s would be most of the difference.
LEAST_WINDOW_S = 1.0


class GpuMeter:
    """Reads a GPU before a worker starts, now and then while it runs, and at its end.

    What is read is the device's, whoever uses it: it is the worker's where no one else does.
    """

    def __init__(self, gpu: Gpu | Reading, *, clock: Callable[[], float]) -> None:
        """Read what the device uses while the worker has not begun; without a device every reading is unknown."""
        self._gpu = gpu
        self._clock = clock
        self._began = self._sampled = clock()
        self._sampling_s = 0.0
        self._memory: list[Reading] = []
        self._utilisation: list[Reading] = []
        if isinstance(gpu, Gpu):
            self._first_j = gpu.energy_j()
            self._idle_power_w = gpu.power_w()
            self._idle_memory = gpu.used_memory_bytes()

    def sample(self) -> None:
        """Read memory and utilisation, unless that was done a moment ago."""
        now = self._clock()
        if not isinstance(self._gpu, Gpu) or now - self._sampled < SAMPLE_S:
            return
        self._sampled = now
        self._memory.append(self._gpu.used_memory_bytes())
        self._utilisation.append(self._gpu.utilisation())
        self._sampling_s += self._clock() - now

    def readings(self) -> dict[str, Any]:
        """Return what was read so far, each reading with its reason where it is unknown.

        ``energy_j`` is the counter's difference over ``window_s``; ``peak_memory_bytes`` the largest of ``samples``,
        ``utilisation`` their mean (0 to 1); ``idle_power_w`` and ``idle_memory_bytes`` what was read before the worker
        started. ``sampling_s`` is what the samples took.
        """
        if not isinstance(self._gpu, Gpu):
            names = ("energy_j", "peak_memory_bytes", "utilisation", "idle_power_w", "idle_memory_bytes")
            return {name: asdict(self._gpu) for name in names}
        window_s = self._clock() - self._began
        return {
            **self._gpu.facts,
            "window_s": window_s,
            "energy_j": asdict(_difference(self._first_j, self._gpu.energy_j(), window_s=window_s)),
            "peak_memory_bytes": asdict(_of(self._memory, max)),
            "utilisation": asdict(_of(self._utilisation, lambda values: sum(values) / len(values))),
            "idle_power_w": asdict(self._idle_power_w),
            "idle_memory_bytes": asdict(self._idle_memory),
            "samples": len(self._memory),
            "sampling_s": self._sampling_s,
        }


def _difference(first: Reading, last: Reading, *, window_s: float) -> Reading:
    if first.value is None or last.value is None:
        return first if first.value is None else last
    if window_s < LEAST_WINDOW_S:
        return Reading.unknown(f"{window_s:.2f} s are too short for the energy counter")
    if last.value < first.value:
        return Reading.unknown("the energy counter began anew: the driver was loaded again")
    return Reading(value=last.value - first.value)


def _of(readings: list[Reading], combine: Callable[[list[float]], float]) -> Reading:
    """Return one reading from many; unknown if any of them is, as a gap could hide the peak."""
    unknown = next((reading for reading in readings if reading.value is None), None)
    if unknown is not None:
        return unknown
    values = [reading.value for reading in readings if reading.value is not None]
    return Reading(value=combine(values)) if values else Reading.unknown("the worker ended before the first sample")
