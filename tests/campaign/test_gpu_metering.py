from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from harness.campaign import gpu_metering
from harness.environment import Identity
from harness.executors import WHOLE, Devices, Ended, Executor, LocalExecutor, Slot
from harness.meters import nvml
from tests.meters.fake_nvml import FakeDevice, FakeNvml

FIRST, SECOND = FakeDevice(), FakeDevice(uuid="GPU-0a", name="NVIDIA T4")


@dataclass(frozen=True)
class FakeContainers:
    """An executor that starts nothing."""

    name: str = "docker"
    devices: Devices = Devices.OF_SLOT

    def identity(self) -> Identity:
        raise NotImplementedError

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot) -> NoReturn:
        raise NotImplementedError


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(FIRST, SECOND)))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("gpu", ["1", "GPU-0a"])
def test_a_containers_gpu_is_that_of_its_slot(gpu: str) -> None:
    assert gpu_metering.meter_for(FakeContainers(), Slot(gpu=gpu)).readings()["device_uuid"] == "GPU-0a"


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("executor", [FakeContainers(), LocalExecutor()])
def test_workers_side_by_side_are_each_metered_on_their_own_gpu(executor: Executor) -> None:
    slots = [Slot(cpus=(number,), gpu=gpu.uuid, at_once=2) for number, gpu in enumerate((FIRST, SECOND))]

    metered = [gpu_metering.meter_for(executor, slot).readings()["device_uuid"] for slot in slots]

    assert metered == [FIRST.uuid, SECOND.uuid]


@pytest.mark.usefixtures("two_gpus")
def test_no_gpu_of_this_machine_is_metered_for_a_worker_that_may_run_on_another() -> None:
    elsewhere = FakeContainers(name="ours.py", devices=Devices.ELSEWHERE)

    readings = gpu_metering.meter_for(elsewhere, Slot(gpu="1")).readings()

    assert readings["energy_j"] == {"value": None, "reason": "ours.py may run the worker on another machine"}


@pytest.mark.usefixtures("two_gpus")
def test_a_container_without_a_gpu_is_not_charged_for_the_hosts() -> None:
    readings = gpu_metering.meter_for(FakeContainers(), WHOLE).readings()

    assert readings["energy_j"] == {"value": None, "reason": "the worker was given no GPU"}


@pytest.mark.usefixtures("two_gpus")
def test_a_local_workers_gpu_is_the_one_that_the_environment_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-0a")

    assert gpu_metering.meter_for(LocalExecutor(), WHOLE).readings()["device_uuid"] == "GPU-0a"


@pytest.mark.usefixtures("two_gpus")
def test_a_local_worker_among_several_gpus_has_unknown_readings() -> None:
    assert "2 GPUs" in gpu_metering.meter_for(LocalExecutor(), WHOLE).readings()["energy_j"]["reason"]


def test_readings_join_what_else_was_seen_of_the_end() -> None:
    ended = Ended(exit_code=0, signal=None, wall_s=1.0, evidence={"container": "c"})

    witnessed = gpu_metering.with_readings(ended, gpu_metering.meter_for(FakeContainers(), WHOLE))

    assert witnessed.evidence["container"] == "c"
    assert witnessed.evidence["gpu"]["utilisation"]["value"] is None
