"""Whether what TensorFlow sees is what was asked for, and what its build has kernels for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.compute_capability import covers


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingGpu:
    """A GPU as TensorFlow describes it; ``capability`` is CUDA's compute capability, None where it isn't told."""

    name: str
    capability: tuple[int, int] | None


def trouble(gpus: Sequence[TrainingGpu], *, build: Mapping[str, Any], needs_gpu: bool) -> str | None:
    """Return in a line why nothing should be trained on ``gpus``; None where there is no reason.

    Args:
        gpus: What TensorFlow sees.
        build: What ``tf.sysconfig.get_build_info`` says of it.
        needs_gpu: Whether a GPU was asked for.
    """
    if not gpus:
        return _unseen(build) if needs_gpu else None
    codes: Iterable[str] = build.get("cuda_compute_capabilities") or ()
    uncovered = [gpu for gpu in gpus if not covers(codes, gpu.capability)]
    return _uncovered(uncovered[0], codes) if uncovered else None


def _unseen(build: Mapping[str, Any]) -> str:
    if not build.get("is_cuda_build"):
        remedy = "install the GPU packages (pip install 'tuner-harness[gpu]') or run the GPU image"
        return f"a GPU was asked for, but this TensorFlow is built for the CPU alone; {remedy}"
    return "a GPU was asked for, but TensorFlow sees none; harness doctor says what is missing"


def _uncovered(gpu: TrainingGpu, codes: Iterable[str]) -> str:
    major, minor = gpu.capability or (0, 0)
    built = ", ".join(codes)
    return (
        f"{gpu.name} has compute capability {major}.{minor}, and this TensorFlow has kernels for {built} alone; "
        "use another device, or hide it: CUDA_VISIBLE_DEVICES= with --executor local"
    )
