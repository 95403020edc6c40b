from __future__ import annotations

import ctypes
import inspect
import re
from pathlib import Path

import pynvml
import pytest

from harness.meters import nvml
from harness.meters.nvml import Gpu
from harness.search_types import Reading
from tests.meters.fake_nvml import FakeDevice, FakeNvml, cut, instance

FIRST = FakeDevice()
SECOND = FakeDevice(uuid="GPU-0a", name="NVIDIA T4", capability=(7, 5))


def gpu(device: FakeDevice) -> Gpu:
    return nvml.find_through(FakeNvml(device)).gpus[0]


def uuid(chosen: Gpu | Reading) -> str:
    assert isinstance(chosen, Gpu)
    return chosen.uuid


def reason(chosen: Gpu | Reading) -> str:
    assert isinstance(chosen, Reading)
    assert chosen.value is None
    return str(chosen.reason)


def driver_is_here() -> bool:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def test_every_function_of_the_fake_is_one_of_the_real_binding_with_the_same_parameters() -> None:
    faked = {name: function for name, function in vars(FakeNvml).items() if name.startswith("nvml")}

    for name, function in faked.items():
        ours, theirs = (list(inspect.signature(each).parameters) for each in (function, getattr(pynvml, name)))
        assert ours[1:] == theirs, name


def test_every_name_of_the_library_that_the_harness_uses_is_faked_and_real() -> None:
    sources = "".join(path.read_text("utf-8") for path in Path(nvml.__file__).parent.glob("*.py"))

    used = set(re.findall(r"library\.(\w+)", sources))

    assert len(used) > 10
    assert all(hasattr(FakeNvml, name) and hasattr(pynvml, name) for name in used)


def test_the_fields_that_the_harness_reads_are_those_of_the_real_structures() -> None:
    memory = {name for name, _ in pynvml.c_nvmlMemory_t._fields_}
    rates = {name for name, _ in pynvml.c_nvmlUtilization_t._fields_}

    assert {"total", "used"} <= memory
    assert "gpu" in rates


def test_without_a_driver_the_real_library_finds_no_gpu_and_says_so() -> None:
    found = nvml.find()

    if driver_is_here():
        assert found.reason != nvml.NO_DRIVER
    else:
        assert found == nvml.Found(reason="no NVIDIA driver")


def test_a_device_is_described_by_uuid_name_driver_and_capability() -> None:
    found = gpu(FIRST)

    assert found.facts == {
        "device_uuid": FIRST.uuid,
        "device_name": "NVIDIA A100-SXM4-40GB",
        "driver": "550.54.14",
        "compute_capability": "8.0",
    }
    assert found.memory_bytes() == Reading(value=40 * 2**30)


def test_readings_are_in_joules_watts_bytes_and_shares() -> None:
    found = gpu(FIRST)

    assert found.energy_j() == Reading(value=1000.0)
    assert found.power_w() == Reading(value=52.5)
    assert found.used_memory_bytes() == Reading(value=2**30)
    assert found.utilisation() == Reading(value=0.5)


def test_an_idle_device_is_a_true_zero() -> None:
    assert gpu(FakeDevice(percent=0)).utilisation() == Reading(value=0.0)


@pytest.mark.parametrize("error", [pynvml.NVMLError_NotSupported(), pynvml.NVMLError_GpuIsLost()])
def test_what_a_device_does_not_tell_is_unknown_with_the_reason(error: Exception) -> None:
    found = gpu(FakeDevice(millijoules=error, milliwatts=error, used_bytes=error, percent=error, capability=error))

    readings = [found.energy_j(), found.power_w(), found.used_memory_bytes(), found.utilisation()]

    assert [reading.value for reading in readings] == [None] * 4
    assert all(str(error).lower() in str(reading.reason) for reading in readings)
    assert found.facts["compute_capability"] is None


def test_each_instance_of_a_device_that_is_cut_stands_for_one_with_its_own_uuid() -> None:
    library = FakeNvml(FIRST, cut(instance("MIG-1"), None, instance("MIG-2", "2g.10gb"), capability=(9, 0)))

    whole, first, second = nvml.find_through(library).gpus

    assert [one.uuid for one in (whole, first, second)] == [FIRST.uuid, "MIG-1", "MIG-2"]
    assert [one.place for one in (whole, first, second)] == ["0", "1:0", "1:2"]
    assert second.name.endswith("MIG 2g.10gb")
    assert second.compute_capability == (9, 0)


def test_of_an_instance_only_the_memory_is_its_own() -> None:
    (found,) = nvml.find_through(FakeNvml(cut(instance("MIG-1", millijoules=1_000_000, milliwatts=1)))).gpus

    assert found.used_memory_bytes() == Reading(value=2**30)
    assert found.memory_bytes() == Reading(value=5 * 2**30)
    assert "is an instance (MIG), and the energy counter is the whole GPU's" in str(found.energy_j().reason)
    assert "is an instance (MIG), and the power is the whole GPU's" in str(found.power_w().reason)
    assert "not supported" in str(found.utilisation().reason)


def test_a_device_that_is_cut_into_no_instance_is_none() -> None:
    assert nvml.find_through(FakeNvml(cut(None, None))).reason == (
        "the GPU is cut into instances (MIG) and has none; make some: sudo nvidia-smi mig -cgi … -C"
    )


def test_an_instance_is_named_by_its_uuid_and_never_by_its_gpus_place() -> None:
    found = nvml.find_through(FakeNvml(cut(instance("MIG-1"), instance("MIG-2"))))

    assert uuid(nvml.choose(found, "MIG-2", by_bus=False)) == "MIG-2"
    assert "can't be told" in reason(nvml.choose(found, "0", by_bus=True))
    assert "2 GPUs" in reason(nvml.choose(found, None, by_bus=True))


def test_a_device_that_could_be_cut_and_is_not_has_its_own_energy() -> None:
    found = gpu(FakeDevice(mig=[pynvml.NVML_DEVICE_MIG_DISABLE, pynvml.NVML_DEVICE_MIG_ENABLE]))

    assert found.energy_j() == Reading(value=1000.0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (pynvml.NVMLError_LibraryNotFound(), "no NVIDIA driver"),
        (pynvml.NVMLError_DriverNotLoaded(), "no NVIDIA driver"),
        (pynvml.NVMLError_LibRmVersionMismatch(), "restart the machine"),
        (pynvml.NVMLError_Unknown(), "doesn't answer (unknown error)"),
    ],
)
def test_a_library_that_does_not_start_finds_nothing_and_says_why(error: Exception, said: str) -> None:
    found = nvml.find_through(FakeNvml(FIRST, starts=error))

    assert found.gpus == ()
    assert said in str(found.reason)


def test_a_driver_without_a_device_says_so() -> None:
    assert nvml.find_through(FakeNvml()).reason == "the NVIDIA driver lists no GPU"


def test_one_device_needs_no_name() -> None:
    assert uuid(nvml.choose(nvml.find_through(FakeNvml(FIRST)), None, by_bus=False)) == FIRST.uuid


def test_of_two_devices_none_is_guessed() -> None:
    assert "2 GPUs" in reason(nvml.choose(nvml.find_through(FakeNvml(FIRST, SECOND)), None, by_bus=True))


@pytest.mark.parametrize(("asked", "by_bus"), [("GPU-0a", False), ("GPU-0", False), ("1", True)])
def test_a_device_is_named_by_uuid_its_beginning_or_its_place_on_the_bus(asked: str, by_bus: bool) -> None:  # noqa: FBT001 - a parameter
    assert uuid(nvml.choose(nvml.find_through(FakeNvml(FIRST, SECOND)), asked, by_bus=by_bus)) == SECOND.uuid


@pytest.mark.parametrize("asked", ["GPU-", "GPU-nowhere", "1", "-1", "MIG-1"])
def test_a_name_that_is_none_or_may_be_another_order_names_no_device(asked: str) -> None:
    said = reason(nvml.choose(nvml.find_through(FakeNvml(FIRST, SECOND)), asked, by_bus=False))

    assert repr(asked) in said
    assert "UUID" in said


def test_no_driver_is_the_reason_whatever_was_asked_for() -> None:
    assert reason(nvml.choose(nvml.Found(reason=nvml.NO_DRIVER), "0", by_bus=True)) == "no NVIDIA driver"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CUDA_VISIBLE_DEVICES": "GPU-0a"}, SECOND.uuid),
        ({"CUDA_VISIBLE_DEVICES": "1,0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, SECOND.uuid),
    ],
)
def test_the_environment_names_the_device(
    environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(FIRST, SECOND)))

    assert uuid(nvml.visible(environ)) == expected


@pytest.mark.parametrize(
    ("environ", "said"),
    [({"CUDA_VISIBLE_DEVICES": ""}, "hides"), ({"CUDA_VISIBLE_DEVICES": "1"}, "UUID"), ({}, "2 GPUs")],
)
def test_an_environment_that_hides_or_leaves_open_names_none(
    environ: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(FIRST, SECOND)))

    assert said in reason(nvml.visible(environ))
