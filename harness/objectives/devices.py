"""Whether what TensorFlow sees is what was asked for, and what its build has kernels for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CODE = re.compile(r"(?:sm|compute)_(?P<major>\d+)(?P<minor>\d)(?P<exact>a?)f?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU as TensorFlow describes it; ``capability`` is CUDA's compute capability, None where it isn't told."""

    name: str
    capability: tuple[int, int] | None


def trouble(gpus: Sequence[Gpu], *, build: Mapping[str, Any], needs_gpu: bool) -> str | None:
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


def covers(codes: Iterable[str], capability: tuple[int, int] | None) -> bool:
    """Return whether a build for ``codes`` (``sm_80``, ``compute_90``) has kernels that a device runs as they are.

    Binaries of either kind run on devices of the same major version whose minor one is not lower. A ``compute`` entry
    brings PTX too, which a driver could compile for newer devices: for half an hour and inside the clock, and for
    Blackwell it fails (https://github.com/tensorflow/tensorflow/issues/89272), so that it doesn't count. Where build
    or device say nothing, there is nothing to object.
    """
    known = [match for code in codes if (match := _CODE.fullmatch(code)) is not None]
    if capability is None or not known:
        return True
    return any(_runs(match, capability) for match in known)


def _runs(code: re.Match[str], capability: tuple[int, int]) -> bool:
    major, minor = int(code["major"]), int(code["minor"])
    if code["exact"]:
        return (major, minor) == capability
    return major == capability[0] and minor <= capability[1]


def _unseen(build: Mapping[str, Any]) -> str:
    if not build.get("is_cuda_build"):
        remedy = "install the GPU packages (pip install 'tuner-harness[gpu]') or run the GPU image"
        return f"a GPU was asked for, but this TensorFlow is built for the CPU alone; {remedy}"
    return "a GPU was asked for, but TensorFlow sees none; harness doctor says what is missing"


def _uncovered(gpu: Gpu, codes: Iterable[str]) -> str:
    major, minor = gpu.capability or (0, 0)
    built = ", ".join(codes)
    return (
        f"{gpu.name} has compute capability {major}.{minor}, and this TensorFlow has kernels for {built} alone; "
        "use another device, or hide it: CUDA_VISIBLE_DEVICES= with --executor local"
    )
