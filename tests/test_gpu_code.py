"""What is promised of devices follows from the code in the locked wheels, as `benchmarks/gpu_code.py` listed it."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu_code
from harness.compute_capability import NO_ARM_BUILD, covers, objection

ROOT = Path(__file__).parents[1]
WHEELS: list[dict[str, Any]] = json.loads(gpu_code.PATH.read_text("utf-8"))["wheels"]
CAPABILITIES = [
    *((5, 0), (5, 2), (6, 0), (6, 1), (6, 2), (7, 0), (7, 2), (7, 5), (8, 0), (8, 6), (8, 7), (8, 9), (9, 0)),
    *((10, 0), (10, 3), (12, 0), (12, 1)),
]
# cuFFT's stand-in for FFTW, which TensorFlow loads nothing of.
UNUSED = "nvidia/cufft/lib/libcufftw.so.11"
AGAIN = "python -m benchmarks.gpu_code lists what the locked wheels hold"


def libraries() -> dict[str, list[str]]:
    return {name: codes for wheel in WHEELS for name, codes in wheel["libraries"].items() if name != UNUSED}


def part(kind: int, device: int, payload: bytes) -> bytes:
    header = struct.pack("<HHIQ", kind, 0x101, 64, len(payload)).ljust(28, b"\0") + struct.pack("<I", device)
    return header.ljust(64, b"\0") + payload


def fat(*parts: bytes) -> bytes:
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, sum(map(len, parts))) + b"".join(parts)


@pytest.mark.parametrize("lock", gpu_code.LOCKS, ids=lambda path: path.name)
def test_the_listing_is_of_the_locked_wheels(lock: Path) -> None:
    locked = gpu_code.locked(lock)

    assert {wheel["package"] for wheel in WHEELS} == set(locked), AGAIN
    for wheel in WHEELS:
        version, hashes = locked[wheel["package"]]
        assert (wheel["version"], wheel["sha256"] in hashes) == (version, True), AGAIN


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_workers_object_to_exactly_the_devices_that_a_locked_library_has_no_code_for(
    capability: tuple[int, int],
) -> None:
    versions = {wheel["package"]: wheel["version"] for wheel in WHEELS}
    lacking = [name for name, codes in libraries().items() if not covers(codes, capability)]
    # What the build says of itself, which is what a worker asks.
    built = ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]

    assert (objection(built, capability, cudnn=versions["nvidia-cudnn-cu12"]) is not None) == bool(lacking)


def test_the_guide_promises_these_devices() -> None:
    promised = [one for one in CAPABILITIES if all(covers(codes, one) for codes in libraries().values())]
    first, last = (".".join(map(str, one)) for one in (promised[0], promised[-1]))

    assert f"{first} to {last}, and no Blackwell" in (ROOT / "docs/gpu-host.md").read_text("utf-8")


def test_no_wheel_of_tensorflow_for_arm_is_built_for_gpus() -> None:
    built = {re.findall(r"x86_64|aarch64", wheel["file"])[0]: wheel.get("is_cuda_build") for wheel in WHEELS}

    assert built["aarch64"] is False
    assert next(wheel for wheel in WHEELS if "is_cuda_build" in wheel)["is_cuda_build"] is True
    assert "aarch64" in NO_ARM_BUILD


def test_code_in_fat_binaries_is_told_by_kind_and_device() -> None:
    library = b"\x7fELF" + fat(part(2, 80, b"x" * 24), part(1, 90, b"y" * 7)) + b"text" + fat(part(2, 120, b"z"))

    assert gpu_code.codes(library) == {"sm_80", "compute_90", "sm_120"}


@pytest.mark.parametrize(
    "library", [b"", b"none", fat()[:10], fat(part(7, 80, b"")), struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 10**6)]
)
def test_what_only_looks_like_a_fat_binary_holds_none(library: bytes) -> None:
    assert gpu_code.codes(library.ljust(32, b"\0")) == set()


def test_a_wheel_that_the_lock_does_not_pin_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.whl").write_bytes(b"other")

    with pytest.raises(SystemExit, match=r"^mine\.whl: not what the lock pins"):
        gpu_code.listed(tmp_path / "mine.whl", "tensorflow", "2.21.0", frozenset({"0" * 64}))
