from __future__ import annotations

from typing import Any

import pytest

from harness.objectives import tensorflow_device_checks
from harness.objectives.tensorflow_device_checks import TrainingGpu

# What TensorFlow 2.21's GPU wheels say of themselves.
BUILD: dict[str, Any] = {
    "is_cuda_build": True,
    "cuda_compute_capabilities": ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"],
}
CPU_BUILD: dict[str, Any] = {"is_cuda_build": False}
A10G = TrainingGpu(name="NVIDIA A10G", capability=(8, 6))
V100 = TrainingGpu(name="Tesla V100-SXM2-16GB", capability=(7, 0))
BLACKWELL = TrainingGpu(name="NVIDIA GeForce RTX 5090", capability=(12, 0))


def trouble(
    gpus: list[TrainingGpu],
    *,
    build: dict[str, Any],
    needs_gpu: bool,
    machine: str = "x86_64",
    cudnn: str | None = "9.10.2.21",
) -> str | None:
    return tensorflow_device_checks.trouble(gpus, build=build, needs_gpu=needs_gpu, machine=machine, cudnn=cudnn)


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


def test_an_old_device_is_refused_by_the_name_of_a_cudnn_that_has_no_code_for_it() -> None:
    assert trouble([V100], build=BUILD, needs_gpu=True) is None
    assert trouble([V100], build=BUILD, needs_gpu=True, cudnn=None) is None
    assert trouble([V100], build=BUILD, needs_gpu=True, cudnn="9.28.0.42") == (
        "Tesla V100-SXM2-16GB has compute capability 7.0, and cuDNN 9.28.0.42 has code for 7.5 and newer alone; "
        "pip install 'nvidia-cudnn-cu12<9.11', or use another device, or hide it: CUDA_VISIBLE_DEVICES= with "
        "--executor local"
    )


def test_a_gpu_beside_an_arm_processor_is_refused_by_the_processors_name() -> None:
    assert trouble([], build=CPU_BUILD, needs_gpu=False, machine="aarch64") is None
    assert trouble([], build=CPU_BUILD, needs_gpu=True, machine="aarch64") == (
        "a GPU was asked for, but TensorFlow's wheels for aarch64 are built for the CPU alone; use an x86-64 host, or "
        "NVIDIA's own TensorFlow"
    )
