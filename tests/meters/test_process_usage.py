from __future__ import annotations

import numpy as np
import pytest

from harness import meters
from harness.meters import Usage


class FakeCounter:
    """Gives the readings that it was given."""

    def __init__(self, *readings: float) -> None:
        self._readings = list(readings)

    def __call__(self) -> float:
        return self._readings.pop(0)

    read_j = __call__


def test_usage_is_the_difference_of_two_readings_without_what_they_use_themselves() -> None:
    usage = Usage(
        cpu_s=FakeCounter(10.0, 12.5, 13.0, 13.5, 14.0), energy=FakeCounter(100.0, 150.0, 155.0, 156.0, 157.0)
    )

    first, second = usage.take(), usage.take()

    assert (first.cpu_s, first.energy_j) == (2.5, 50.0)
    assert (second.cpu_s, second.energy_j) == (0.5, 1.0)


def test_what_passes_in_a_pause_is_left_out() -> None:
    usage = Usage(cpu_s=FakeCounter(0.0, 1.0, 50.0, 52.0, 52.0), energy=None)

    with usage.paused():
        pass

    assert usage.take().cpu_s == 3.0


def test_energy_that_cannot_be_read_is_none_not_zero() -> None:
    assert Usage(cpu_s=FakeCounter(0.0, 1.0, 1.0), energy=None).take().energy_j is None


def test_cpu_seconds_that_reading_joules_takes_are_nobodys() -> None:
    spent = [0.0]

    class Costly:
        def read_j(self) -> float:
            spent[0] += 10.0
            return 0.0

    usage = Usage(cpu_s=lambda: spent[0], energy=Costly())
    spent[0] += 1.0

    assert [usage.take().cpu_s for _ in range(3)] == [1.0, 0.0, 0.0]


@pytest.mark.seconds
def test_this_process_uses_cpu_and_memory() -> None:
    before = meters.cpu_s()
    block = np.ones(30_000_000)
    while meters.cpu_s() - before < 0.02:
        block.sum()

    peak = meters.peak_memory().value

    assert peak is not None
    assert block.nbytes < peak < 64 * 2**30


def test_cpu_seconds_only_grow() -> None:
    readings = [meters.cpu_s() for _ in range(100)]

    assert readings == sorted(readings)
    assert readings[0] > 0
    assert readings[-1] == pytest.approx(meters.cpu_s(), abs=1.0)
