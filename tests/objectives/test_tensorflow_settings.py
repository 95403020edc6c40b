"""TensorFlow's settings: really made, but for the GPUs, which are fakes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import pytest
import tensorflow as tf

from harness.errors import MachineError
from harness.matrix_schema import Protocol
from harness.objectives import tensorflow_settings

pytestmark = pytest.mark.train


@dataclass
class FakeGpus:
    """Two GPUs as ``tf.config`` describes them, which remember what is set."""

    capability: tuple[int, int] = (8, 6)
    grows: dict[str, bool] = field(default_factory=dict)

    def list_physical_devices(self, kind: str) -> list[str]:
        return ["GPU:0", "GPU:1"] if kind == "GPU" else []

    def get_device_details(self, gpu: str) -> dict[str, Any]:
        return {"device_name": f"Fake {gpu}", "compute_capability": self.capability}

    def set_memory_growth(self, gpu: str, *, enable: bool) -> None:
        self.grows[gpu] = enable


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> FakeGpus:
    fake = FakeGpus()
    monkeypatch.setattr(tf.config, "list_physical_devices", fake.list_physical_devices)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", fake.get_device_details)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", fake.set_memory_growth)
    build = {"is_cuda_build": True, "cuda_compute_capabilities": ["sm_80", "compute_90"]}
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: build)
    return fake


def test_memory_grows_on_every_gpu(gpus: FakeGpus) -> None:
    tensorflow_settings.configure(Protocol(), seed=1)

    assert gpus.grows == {"GPU:0": True, "GPU:1": True}


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_the_number_format_is_the_protocols(precision: Any) -> None:
    tensorflow_settings.configure(Protocol(precision=precision), seed=1)

    assert keras.mixed_precision.global_policy().name == precision


@pytest.mark.parametrize(
    ("jit", "determinism", "set_flag"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_compiled_operations_are_told_to_repeat_where_they_must(
    monkeypatch: pytest.MonkeyPatch, *, jit: bool, determinism: bool, set_flag: bool
) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_mine=1")

    tensorflow_settings.configure(Protocol(jit=jit, determinism=determinism), seed=1)

    flags = "--xla_mine=1 --xla_gpu_deterministic_ops=true" if set_flag else "--xla_mine=1"
    assert os.environ["XLA_FLAGS"] == flags


def test_gpus_that_tensorflow_covers_are_trained_on(gpus: FakeGpus) -> None:
    tensorflow_settings.check_devices(needs_gpu=True)

    assert gpus.list_physical_devices("GPU")


def test_a_gpu_without_kernels_is_the_machines_trouble(gpus: FakeGpus) -> None:
    gpus.capability = (12, 0)

    with pytest.raises(
        MachineError, match=r"^Fake GPU:0 has compute capability 12\.0, .* kernels for sm_80, compute_90"
    ):
        tensorflow_settings.check_devices(needs_gpu=False)


def test_a_gpu_that_this_machine_really_has_not_is_its_trouble() -> None:
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    tensorflow_settings.check_devices(needs_gpu=False)

    with pytest.raises(MachineError, match=r"^a GPU was asked for, but "):
        tensorflow_settings.check_devices(needs_gpu=True)
