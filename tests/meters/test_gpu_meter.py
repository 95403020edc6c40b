from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pynvml
import pytest

from harness.meters import nvml
from harness.meters.gpu_meter import GpuMeter
from harness.search_types import Reading
from tests.meters.fake_nvml import FakeDevice, FakeNvml


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def device() -> FakeDevice:
    return FakeDevice()


def meter(device: FakeDevice, clock: FakeClock) -> GpuMeter:
    return GpuMeter(nvml.find_through(FakeNvml(device)).gpus[0], clock=clock)


def run(metered: GpuMeter, device: FakeDevice, clock: FakeClock, *moments: dict[str, Any]) -> None:
    """Let half a second pass for each moment, which is what the device then says of itself."""
    for moment in moments:
        for name, value in moment.items():
            setattr(device, name, value)
        clock.now += 0.5
        metered.sample()


def test_energy_is_the_counters_difference_over_the_workers_life(device: FakeDevice, clock: FakeClock) -> None:
    metered = meter(device, clock)

    run(metered, device, clock, {"millijoules": 1_100_000}, {"millijoules": 1_250_000})

    readings = metered.readings()
    assert readings["energy_j"] == {"value": 250.0, "reason": None}
    assert readings["window_s"] == 1.0


def test_memory_is_the_largest_sample_and_utilisation_the_mean(device: FakeDevice, clock: FakeClock) -> None:
    metered = meter(device, clock)

    run(metered, device, clock, {"used_bytes": 5, "percent": 20}, {"used_bytes": 9, "percent": 100}, {"used_bytes": 7})

    readings = metered.readings()
    assert readings["peak_memory_bytes"]["value"] == 9
    assert readings["utilisation"]["value"] == pytest.approx((0.2 + 1 + 1) / 3)
    assert readings["samples"] == 3


def test_idle_power_and_memory_are_those_from_before_the_worker(device: FakeDevice, clock: FakeClock) -> None:
    metered = meter(device, clock)

    run(metered, device, clock, {"milliwatts": 400_000, "used_bytes": 9})

    readings = metered.readings()
    assert readings["idle_power_w"] == {"value": 52.5, "reason": None}
    assert readings["idle_memory_bytes"] == {"value": 2**30, "reason": None}


def test_the_device_is_named_in_the_readings(device: FakeDevice, clock: FakeClock) -> None:
    readings = meter(device, clock).readings()

    assert (readings["device_uuid"], readings["driver"]) == (device.uuid, "550.54.14")


def test_however_often_it_is_asked_it_samples_twice_a_second(device: FakeDevice, clock: FakeClock) -> None:
    metered = meter(device, clock)

    for _ in range(80):
        clock.now += 0.125
        metered.sample()

    assert metered.readings()["samples"] == 20


def test_a_window_below_a_second_has_no_energy(device: FakeDevice, clock: FakeClock) -> None:
    metered = meter(device, clock)
    clock.now += 0.99
    device.millijoules += 10

    reading = metered.readings()["energy_j"]

    assert reading == {"value": None, "reason": "0.99 s are too short for the energy counter"}


def test_a_worker_that_ends_at_once_has_no_peak_and_no_utilisation(device: FakeDevice, clock: FakeClock) -> None:
    readings = meter(device, clock).readings()

    assert readings["peak_memory_bytes"]["value"] is None
    assert "before the first sample" in readings["utilisation"]["reason"]


def test_a_counter_that_began_anew_is_no_negative_energy(device: FakeDevice, clock: FakeClock) -> None:
    metered = meter(device, clock)

    run(metered, device, clock, {}, {"millijoules": 3})

    assert metered.readings()["energy_j"]["value"] is None


def test_a_device_that_does_not_count_has_unknown_energy_and_the_rest(device: FakeDevice, clock: FakeClock) -> None:
    device.millijoules = pynvml.NVMLError_NotSupported()
    metered = meter(device, clock)

    run(metered, device, clock, {}, {})

    readings = metered.readings()
    assert readings["energy_j"]["value"] is None
    assert "not supported" in readings["energy_j"]["reason"]
    assert readings["peak_memory_bytes"]["value"] == 2**30


def test_one_sample_that_failed_hides_the_peak_and_says_so(device: FakeDevice, clock: FakeClock) -> None:
    metered = meter(device, clock)

    run(metered, device, clock, {"used_bytes": 5}, {"used_bytes": pynvml.NVMLError_GpuIsLost()}, {"used_bytes": 7})

    assert metered.readings()["peak_memory_bytes"]["value"] is None


def test_without_a_device_every_reading_is_unknown_with_the_reason(clock: FakeClock) -> None:
    metered = GpuMeter(Reading.unknown("no NVIDIA driver"), clock=clock)
    clock.now += 5
    metered.sample()

    readings = metered.readings()

    assert set(readings) == {"energy_j", "peak_memory_bytes", "utilisation", "idle_power_w", "idle_memory_bytes"}
    assert all(reading == {"value": None, "reason": "no NVIDIA driver"} for reading in readings.values())
