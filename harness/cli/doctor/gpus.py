"""NVIDIA's driver, its GPUs and its container toolkit."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator

from harness.cli.doctor import nvidia_smi
from harness.cli.doctor.findings import GIB, Finding, ask, version
from harness.compute_capability import NO_ARM_BUILD
from harness.meters.nvml import NO_DRIVER, Found, Gpu

_LEAST_DRIVER = 525
_GUIDE = "docs/gpu-host.md"
# https://nvidia.custhelp.com/app/answers/detail/a_id/5659: versions up to 1.17.7 let a container's image take the host.
_SAFE_TOOLKIT = (1, 17, 8)
# Older ones hand GPUs over behind the engine's back, and a daemon-reload takes them away again.
_GOOD_TOOLKIT = (1, 18, 0)


def examine(found: Found) -> Iterator[Finding]:
    """Yield what is found of the driver and of each GPU."""
    yield _driver(found)
    for gpu in found.gpus:
        yield _gpu(gpu)
        yield from _silent_meters(gpu)
    if found.gpus and platform.machine() == "aarch64":
        lacks, _, remedy = NO_ARM_BUILD.partition("; ")
        yield Finding(what="GPU packages", state="missing", found=lacks, remedy=remedy)


def program(found: Found) -> Iterator[Finding]:
    """Yield what ``nvidia-smi`` says, by which ``make`` chooses packages; nothing where none is there or missed."""
    what, asked = "nvidia-smi", nvidia_smi.find()
    if asked.names:
        told = f"names {len(asked.names)} GPU{'s' if len(asked.names) > 1 else ''}, as make and nightly runs take them"
        yield Finding(what=what, state="good", found=told)
    elif found.gpus or asked.reason != nvidia_smi.ABSENT:
        remedy = f"make and nightly runs take the packages for the CPU until it names the GPUs: {_GUIDE}"
        yield Finding(what=what, state="unfit", found=str(asked.reason), remedy=remedy)


def toolkit() -> Finding:
    """Return what is found of the container toolkit."""
    what, command = "container toolkit", shutil.which("nvidia-ctk")
    install = f"sudo apt-get install nvidia-container-toolkit, 1.18 or newer: {_GUIDE}"
    if command is None:
        return Finding(what=what, state="missing", found="no nvidia-ctk", remedy=install)
    asked = ask([command, "--version"])
    numbers = version(asked.stdout) if asked is not None and asked.returncode == 0 else ()
    if not numbers:
        return Finding(what=what, state="unknown", found="nvidia-ctk doesn't say its version", remedy=install)
    found = ".".join(map(str, numbers))
    if numbers < _SAFE_TOOLKIT:
        return Finding(what=what, state="unfit", found=f"{found}, open to CVE-2025-23266", remedy=install)
    if numbers < _GOOD_TOOLKIT:
        found = f"{found}, which loses GPUs when systemctl daemon-reload is run"
        return Finding(what=what, state="unfit", found=found, remedy=install)
    return Finding(what=what, state="good", found=found)


def _driver(found: Found) -> Finding:
    what = "NVIDIA driver"
    if not found.gpus:
        remedy = f"none is needed for CPU runs; for GPU runs install {_LEAST_DRIVER} or newer: {_GUIDE}"
        if found.reason != NO_DRIVER:
            remedy = f"see what nvidia-smi and dmesg say, install the driver anew, restart: {_GUIDE}"
        return Finding(what=what, state="missing", found=str(found.reason), remedy=remedy)
    driver = found.gpus[0].driver
    if (version(driver) or (0,))[0] >= _LEAST_DRIVER:
        return Finding(what=what, state="good", found=driver)
    remedy = f"TensorFlow's CUDA 12 needs {_LEAST_DRIVER} or newer: {_GUIDE}"
    return Finding(what=what, state="unfit", found=driver, remedy=remedy)


def _gpu(gpu: Gpu) -> Finding:
    memory = gpu.memory_bytes()
    size = "memory unknown" if memory.value is None else f"{memory.value / GIB:.0f} GiB"
    capability = gpu.facts["compute_capability"] or "unknown"
    found = f"{gpu.name}, {size}, compute capability {capability}, {gpu.uuid}"
    return Finding(what=f"GPU {gpu.place}", state="good", found=found)


def _silent_meters(gpu: Gpu) -> Iterator[Finding]:
    """Yield what of the GPU will stay unknown in records."""
    readings = {"energy": gpu.energy_j(), "memory": gpu.used_memory_bytes(), "utilisation": gpu.utilisation()}
    for name, reading in readings.items():
        if reading.value is None:
            remedy = "nothing to do: records will say that it is unknown, and why"
            yield Finding(what=f"GPU {gpu.place} {name}", state="unknown", found=str(reading.reason), remedy=remedy)
