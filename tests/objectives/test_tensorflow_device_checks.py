from __future__ import annotations

from typing import Any

import pytest

from harness.objectives.tensorflow_device_checks import TrainingGpu, trouble

# What TensorFlow 2.21's GPU wheels say of themselves.
BUILD: dict[str, Any] = {
    "is_cuda_build": True,
    "cuda_compute_capabilities": ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"],
}
CPU_BUILD: dict[str, Any] = {"is_cuda_build": False}
A10G = TrainingGpu(name="NVIDIA A10G", capability=(8, 6))
BLACKWELL = TrainingGpu(name="NVIDIA GeForce RTX 5090", capability=(12, 0))


def test_a_device_that_the_build_covers_is_no_trouble() -> None:
    assert trouble([A10G], build=BUILD, needs_gpu=True) is None
    assert trouble([A10G, A10G], build=BUILD, needs_gpu=False) is None


@pytest.mark.parametrize("gpus", [[BLACKWELL], [A10G, BLACKWELL]])
def test_a_device_that_the_build_does_not_cover_is_named_with_what_it_covers(gpus: list[TrainingGpu]) -> None:
    line = trouble(gpus, build=BUILD, needs_gpu=False)

    assert line is not None
    assert line.startswith(
        "NVIDIA GeForce RTX 5090 has compute capability 12.0, and this TensorFlow has kernels for sm_"
    )
    assert "compute_90 alone; use another device, or hide it: CUDA_VISIBLE_DEVICES=" in line
    assert "\n" not in line


def test_no_gpu_is_no_trouble_where_none_was_asked_for() -> None:
    assert trouble([], build=BUILD, needs_gpu=False) is None
    assert trouble([], build=CPU_BUILD, needs_gpu=False) is None


def test_a_gpu_that_was_asked_for_and_is_not_seen_is_told_with_the_way_out() -> None:
    assert trouble([], build=BUILD, needs_gpu=True) == (
        "a GPU was asked for, but TensorFlow sees none; harness doctor says what is missing"
    )
    assert trouble([], build=CPU_BUILD, needs_gpu=True) == (
        "a GPU was asked for, but this TensorFlow is built for the CPU alone; install the GPU packages "
        "(pip install 'tuner-harness[gpu]') or run the GPU image"
    )
