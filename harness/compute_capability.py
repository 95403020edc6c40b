"""Which devices TensorFlow has code for: one rule for workers, and for the doctor, who imports none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata

NO_ARM_BUILD = (
    "TensorFlow's wheels for aarch64 are built for the CPU alone; use an x86-64 host, or NVIDIA's own TensorFlow"
)
"""What to say of a GPU beside an ARM processor."""

_CODE = re.compile(r"(?:sm|compute)_(?P<major>\d+)(?P<minor>\d)(?P<exact>a?)f?")
_CUDNN = "nvidia-cudnn-cu12"
# Read from the wheels (python -m benchmarks.gpu_code): 9.10.2 has code from 5.0 on, 9.11.1 and 9.28.0 in most of their
# libraries from 7.5 on.
_CUDNN_WITHOUT_OLD_DEVICES = (9, 11)
_CUDNN_FIRST = (7, 5)


def installed_cudnn() -> str | None:
    """Return the version of the cuDNN that was installed as a package; None where TensorFlow finds another, or none."""
    try:
        return metadata.version(_CUDNN)
    except metadata.PackageNotFoundError:
        return None


def objection(codes: Iterable[str], capability: tuple[int, int] | None, *, cudnn: str | None) -> str | None:
    """Return what lacks code for a device, as a clause with the way out; None where nothing does, or it isn't told.

    Args:
        codes: What TensorFlow was built for: see ``covers``.
        capability: The device's.
        cudnn: The version of cuDNN that is installed; None where that isn't known.
    """
    codes = tuple(codes)
    if not covers(codes, capability):
        return f"this TensorFlow has kernels for {', '.join(codes)} alone; use another device"
    if capability is not None and capability < _CUDNN_FIRST and _is_without_old_devices(cudnn):
        first = ".".join(map(str, _CUDNN_FIRST))
        return f"cuDNN {cudnn} has code for {first} and newer alone; pip install '{_CUDNN}<9.11', or use another device"
    return None


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


def _is_without_old_devices(cudnn: str | None) -> bool:
    found = re.match(r"(\d+)\.(\d+)", cudnn or "")
    return found is not None and (int(found[1]), int(found[2])) >= _CUDNN_WITHOUT_OLD_DEVICES


def _runs(code: re.Match[str], capability: tuple[int, int]) -> bool:
    major, minor = int(code["major"]), int(code["minor"])
    if code["exact"]:
        return (major, minor) == capability
    return major == capability[0] and minor <= capability[1]
