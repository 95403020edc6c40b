from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pynvml
import pytest

from harness.cli.doctor import findings, gpus
from harness.meters.nvml import Found
from tests.meters.fake_nvml import FakeDevice, cut, instance

Look = Callable[..., Found]
Put = Callable[[str, str], Path]


def test_a_machine_without_a_driver_is_told_that_cpu_runs_need_none(found: Look) -> None:
    (driver,) = gpus.examine(found(starts=pynvml.NVMLError_LibraryNotFound()))

    assert (driver.state, driver.found) == ("missing", "no NVIDIA driver")
    assert "none is needed for CPU runs" in str(driver.remedy)


def test_a_driver_that_does_not_answer_is_told_with_another_remedy(found: Look) -> None:
    (driver,) = gpus.examine(found(starts=pynvml.NVMLError_LibRmVersionMismatch()))

    assert driver.state == "missing"
    assert "restart" in driver.found
    assert "nvidia-smi" in str(driver.remedy)


def test_a_new_driver_and_each_of_its_gpus_are_good(found: Look) -> None:
    findings = list(gpus.examine(found(FakeDevice(), FakeDevice(uuid="GPU-2", name="NVIDIA T4", capability=(7, 5)))))

    assert [one.what for one in findings] == ["NVIDIA driver", "GPU 0", "GPU 1"]
    assert {one.state for one in findings} == {"good"}
    assert findings[0].found == "550.54.14"
    assert findings[2].found == "NVIDIA T4, 40 GiB, compute capability 7.5, GPU-2"


@pytest.mark.parametrize(("driver", "state"), [("524.99", "unfit"), ("525.60.13", "good"), ("strange", "unfit")])
def test_a_driver_older_than_cuda_12_is_unfit(found: Look, driver: str, state: str) -> None:
    first = next(gpus.examine(found(FakeDevice(), driver=driver)))

    assert (first.state, first.found) == (state, driver)
    assert state == "good" or "525" in str(first.remedy)


def test_a_gpu_beside_an_arm_processor_has_no_packages(found: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")

    packages = list(gpus.examine(found(FakeDevice())))[-1]

    assert (packages.what, packages.state) == ("GPU packages", "missing")
    assert packages.found == "TensorFlow's wheels for aarch64 are built for the CPU alone"


def test_what_a_gpu_does_not_tell_is_said_beforehand(found: Look) -> None:
    silent = FakeDevice(millijoules=pynvml.NVMLError_NotSupported())

    energy = list(gpus.examine(found(silent)))[-1]

    assert (energy.what, energy.state) == ("GPU 0 energy", "unknown")
    assert "not supported" in energy.found


def test_each_instance_is_named_with_what_it_does_not_tell(found: Look) -> None:
    findings = list(gpus.examine(found(cut(instance("MIG-1"), instance("MIG-2")))))

    assert [one.what for one in findings if one.state == "good"] == ["NVIDIA driver", "GPU 0:0", "GPU 0:1"]
    unknown = [one.what for one in findings if one.state == "unknown"]
    assert unknown == [f"GPU 0:{number} {what}" for number in (0, 1) for what in ("energy", "utilisation")]


def test_no_toolkit_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert gpus.toolkit().state == "missing"


@pytest.mark.parametrize(
    ("number", "state", "said"),
    [
        ("1.16.2", "unfit", "CVE-2025-23266"),
        ("1.17.7", "unfit", "CVE-2025-23266"),
        ("1.17.8", "unfit", "daemon-reload"),
        ("1.18.0", "good", "1.18.0"),
        ("1.20.1", "good", "1.20.1"),
    ],
)
def test_a_toolkit_is_judged_by_its_version(program: Put, number: str, state: str, said: str) -> None:
    program("nvidia-ctk", f"echo 'NVIDIA Container Toolkit CLI version {number}'; echo 'commit: 1.2.3'")

    found = gpus.toolkit()

    assert found.state == state
    assert said in found.found
    assert state == "good" or "1.18" in str(found.remedy)


@pytest.mark.parametrize("does", ["exit 1", "echo nothing", "exec sleep 60"])
def test_a_toolkit_that_does_not_say_its_version_is_unknown(
    program: Put, does: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "ASK_TIMEOUT_S", 0.5)
    program("nvidia-ctk", does)

    assert gpus.toolkit().state == "unknown"
