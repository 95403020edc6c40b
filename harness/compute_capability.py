"""Which devices have kernels in a build of TensorFlow: one rule for workers, and for the doctor, who imports none."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CODE = re.compile(r"(?:sm|compute)_(?P<major>\d+)(?P<minor>\d)(?P<exact>a?)f?")


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
