from __future__ import annotations

from pathlib import Path

import pynvml
import pytest

from harness.meters import Usage, find_energy_counter, nvml, of_gpu, of_processor
from harness.meters.nvml import Gpu
from harness.search_types import Reading
from tests.meters.fake_nvml import FakeDevice, FakeNvml


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """A folder as Linux has it: one package, one domain inside it, one of another kind."""
    for name, energy_uj in (("intel-rapl:0", 5_000_000), ("intel-rapl:0:0", 1_000_000), ("dtpm", 0)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "energy_uj").write_text(f"{energy_uj}\n")
        (folder / "max_energy_range_uj").write_text("10000000\n")
    return tmp_path


def test_packages_are_summed_and_the_domains_inside_them_are_not(powercap: Path) -> None:
    counter, reading = find_energy_counter(powercap)

    assert counter is not None
    assert reading.reason is None
    assert counter.read_j() == 5.0


def test_a_counter_that_wraps_goes_on_growing(powercap: Path) -> None:
    counter, _ = find_energy_counter(powercap)
    assert counter is not None
    before = counter.read_j()

    (powercap / "intel-rapl:0" / "energy_uj").write_text("2000000\n")

    assert (before, counter.read_j()) == (5.0, 12.0)


def test_no_counter_is_unknown_with_its_reason(tmp_path: Path) -> None:
    counter, reading = find_energy_counter(tmp_path)

    assert counter is None
    assert reading.value is None
    assert reading.reason == f"no RAPL counter under {tmp_path}"


def test_a_counter_that_cannot_be_read_is_unknown_with_its_reason(powercap: Path) -> None:
    (powercap / "intel-rapl:0" / "energy_uj").unlink()

    counter, reading = find_energy_counter(powercap)

    assert counter is None
    assert reading.reason is not None
    assert "can't be read: No such file" in reading.reason


def gpu(device: FakeDevice) -> Gpu:
    return nvml.find_through(FakeNvml(device)).gpus[0]


def test_the_processors_energy_says_that_it_covers_the_processor(powercap: Path) -> None:
    energy = of_processor(powercap)

    assert energy.counter is not None
    assert energy.counter.read_j() == 5.0
    assert energy.facts == {"value": 0.0, "reason": None, "covers": "processor packages (RAPL)"}


def test_cells_that_share_the_processors_counter_have_no_joules_of_their_own(powercap: Path) -> None:
    energy = of_processor(powercap, at_once=2)

    assert energy.counter is None
    assert energy.facts["value"] is None
    assert energy.facts["reason"] == "2 cells at once share the processor's counter"


def test_a_gpus_energy_is_its_own_counter_and_says_so() -> None:
    device = FakeDevice(millijoules=2_500)

    energy = of_gpu(gpu(device))

    assert energy.counter is not None
    assert energy.counter.read_j() == 2.5
    assert energy.facts == {"value": 0.0, "reason": None, "covers": "the GPU (NVML)"}


def test_a_gpu_that_does_not_count_is_unknown_and_the_processor_does_not_stand_in() -> None:
    energy = of_gpu(gpu(FakeDevice(millijoules=pynvml.NVMLError_NotSupported())))

    assert energy.counter is None
    assert energy.facts["covers"] == "the GPU (NVML)"
    assert "not supported" in str(energy.facts["reason"])


def test_a_gpu_that_can_not_be_told_has_the_reason() -> None:
    assert of_gpu(Reading.unknown("2 GPUs")).facts == {"value": None, "reason": "2 GPUs", "covers": "the GPU (NVML)"}


def test_a_counter_that_falls_silent_makes_that_trials_energy_unknown_and_the_nexts_known() -> None:
    device = FakeDevice(millijoules=1_000)
    usage = Usage(cpu_s=lambda: 0.0, energy=of_gpu(gpu(device)).counter)

    device.millijoules = pynvml.NVMLError_Timeout()
    silent = usage.take()
    device.millijoules = 5_000
    after = usage.take()
    device.millijoules = 9_000
    known = usage.take()

    assert (silent.energy_j, after.energy_j, known.energy_j) == (None, None, 4.0)
