"""A fake NVML: it has the interface of NVIDIA's binding, and devices that are told what to answer.

``test_nvml.py`` holds every function here against the real binding's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pynvml


@dataclass
class FakeDevice:
    """A GPU's answers, in NVML's units; an error among them is raised."""

    uuid: str = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
    name: str = "NVIDIA A100-SXM4-40GB"
    capability: Any = (8, 0)
    total_bytes: int = 40 * 2**30
    used_bytes: Any = 2**30
    percent: Any = 50
    milliwatts: Any = 52_500
    millijoules: Any = 1_000_000
    mig: Any = field(default_factory=pynvml.NVMLError_NotSupported)
    instances: tuple[FakeDevice | None, ...] = ()


def cut(*instances: FakeDevice | None, **changes: Any) -> FakeDevice:
    """A GPU that is cut into instances (MIG); None is a place that has none."""
    mode = [pynvml.NVML_DEVICE_MIG_ENABLE, pynvml.NVML_DEVICE_MIG_ENABLE]
    return FakeDevice(mig=mode, instances=instances, **changes)


def instance(uuid: str, size: str = "1g.5gb", **changes: Any) -> FakeDevice:
    """An instance, which tells its memory and neither utilisation, power nor capability."""
    silent = {name: pynvml.NVMLError_NotSupported() for name in ("percent", "milliwatts", "millijoules", "capability")}
    told: dict[str, Any] = {"uuid": uuid, "name": f"NVIDIA A100-SXM4-40GB MIG {size}", **silent, **changes}
    return FakeDevice(total_bytes=5 * 2**30, **told)


def _answer(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


class FakeNvml:
    """The binding's module, as far as the harness calls it."""

    NVMLError = pynvml.NVMLError
    NVMLError_NotFound = pynvml.NVMLError_NotFound
    NVMLError_LibraryNotFound = pynvml.NVMLError_LibraryNotFound
    NVMLError_DriverNotLoaded = pynvml.NVMLError_DriverNotLoaded
    NVMLError_LibRmVersionMismatch = pynvml.NVMLError_LibRmVersionMismatch
    NVML_DEVICE_MIG_ENABLE = pynvml.NVML_DEVICE_MIG_ENABLE

    def __init__(self, *devices: FakeDevice, starts: Exception | None = None, driver: str = "550.54.14") -> None:
        self.devices = devices
        self.starts = starts
        self.driver = driver

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's name, as below
        _answer(self.starts)

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return self.driver

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.devices)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeDevice:  # noqa: N802
        return self.devices[index]

    def nvmlDeviceGetUUID(self, handle: FakeDevice) -> str:  # noqa: N802
        return handle.uuid

    def nvmlDeviceGetName(self, handle: FakeDevice) -> str:  # noqa: N802
        return handle.name

    def nvmlDeviceGetCudaComputeCapability(self, handle: FakeDevice) -> Any:  # noqa: N802
        return _answer(handle.capability)

    def nvmlDeviceGetMemoryInfo(self, handle: FakeDevice, version: Any = None) -> Any:  # noqa: N802
        assert version is None
        return SimpleNamespace(total=handle.total_bytes, used=_answer(handle.used_bytes))

    def nvmlDeviceGetUtilizationRates(self, handle: FakeDevice) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=_answer(handle.percent), memory=0)

    def nvmlDeviceGetPowerUsage(self, handle: FakeDevice) -> Any:  # noqa: N802
        return _answer(handle.milliwatts)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: FakeDevice) -> Any:  # noqa: N802
        return _answer(handle.millijoules)

    def nvmlDeviceGetMigMode(self, device: FakeDevice) -> Any:  # noqa: N802
        return _answer(device.mig)

    def nvmlDeviceGetMaxMigDeviceCount(self, device: FakeDevice) -> int:  # noqa: N802
        return len(device.instances)

    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: FakeDevice, index: int) -> FakeDevice:  # noqa: N802
        found = device.instances[index]
        if found is None:
            raise pynvml.NVMLError_NotFound
        return found
