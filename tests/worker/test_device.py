from __future__ import annotations

import pytest

from harness.meters import nvml
from harness.search_types import Reading
from tests.meters.fake_nvml import FakeDevice, FakeNvml

# TensorFlow is imported, which takes seconds.
pytestmark = pytest.mark.train


def test_a_search_on_the_cpu_has_no_gpu_and_no_facts_of_one() -> None:
    from harness.worker import device  # noqa: PLC0415 - TensorFlow, for marked tests only

    assert device.trained_on() is None
    assert device.facts(None) == {}


def test_a_search_on_a_gpu_names_its_uuid_driver_and_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.worker import device  # noqa: PLC0415 - TensorFlow, for marked tests only

    monkeypatch.setattr("harness.objectives.tensorflow_settings.device_name", lambda: "NVIDIA A100-SXM4-40GB")
    monkeypatch.setattr(nvml, "find", lambda: nvml.find_through(FakeNvml(FakeDevice(uuid="GPU-1"))))

    found = device.facts(device.trained_on())

    assert found == {"device_uuid": "GPU-1", "driver": "550.54.14", "compute_capability": "8.0"}


def test_a_gpu_that_can_not_be_told_is_unknown_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.worker import device  # noqa: PLC0415 - TensorFlow, for marked tests only

    monkeypatch.setattr("harness.objectives.tensorflow_settings.device_name", lambda: "NVIDIA A100-SXM4-40GB")
    monkeypatch.setattr(nvml, "find", lambda: nvml.Found(reason=nvml.NO_DRIVER))

    assert device.facts(device.trained_on()) == {"device_unknown": "no NVIDIA driver"}
    assert isinstance(device.trained_on(), Reading)
