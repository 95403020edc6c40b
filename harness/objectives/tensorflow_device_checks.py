"""Whether what TensorFlow sees is what was asked for, and what its build has kernels for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.compute_capability import NO_ARM_BUILD, objection


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingGpu:
    """A GPU as TensorFlow describes it; ``capability`` is CUDA's compute capability, None where it isn't told."""

    name: str
    capability: tuple[int, int] | None


def trouble(
    gpus: Sequence[TrainingGpu], *, build: Mapping[str, Any], needs_gpu: bool, machine: str, cudnn: str | None
) -> str | None:
    """Return in a line why nothing should be trained on ``gpus``; None where there is no reason.

    Args:
        gpus: What TensorFlow sees.
        build: What ``tf.sysconfig.get_build_info`` says of it.
        needs_gpu: Whether a GPU was asked for.
        machine: The processor's kind, as ``x86_64``.
        cudnn: The version of cuDNN that is installed, where that is known.
    """
    if not gpus:
        return _unseen(build, machine) if needs_gpu else None
    codes: Iterable[str] = build.get("cuda_compute_capabilities") or ()
    lines = (_uncovered(gpu, codes, cudnn) for gpu in gpus)
    return next((line for line in lines if line is not None), None)


def _unseen(build: Mapping[str, Any], machine: str) -> str:
    if build.get("is_cuda_build"):
        return "a GPU was asked for, but TensorFlow sees none; harness doctor says what is missing"
    if machine == "aarch64":
        return f"a GPU was asked for, but {NO_ARM_BUILD}"
    remedy = "install the GPU packages (pip install 'tuner-harness[gpu]') or run the GPU image"
    return f"a GPU was asked for, but this TensorFlow is built for the CPU alone; {remedy}"


def _uncovered(gpu: TrainingGpu, codes: Iterable[str], cudnn: str | None) -> str | None:
    why = objection(codes, gpu.capability, cudnn=cudnn)
    if why is None:
        return None
    capability = ".".join(map(str, gpu.capability or ()))
    hide = "or hide it: CUDA_VISIBLE_DEVICES= with --executor local"
    return f"{gpu.name} has compute capability {capability}, and {why}, {hide}"
