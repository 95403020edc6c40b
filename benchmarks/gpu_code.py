"""Make requirements/gpu-code.json: which devices the locked GPU packages hold code for.

Run it after the GPU lock was resolved anew: ``python -m benchmarks.gpu_code [FOLDER]``. It downloads the wheels (4 GB)
into FOLDER, or reads those that lie there, and takes a minute or more; no GPU and none of NVIDIA's tools are needed.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (ROOT / "requirements" / "gpu.txt", ROOT / "requirements" / "image-gpu.txt")
PATH = ROOT / "requirements" / "gpu-code.json"

PINNED = re.compile(
    r"^((?:nvidia-[a-z-]+-cu12)|tensorflow)==([^\s;]+)[^\\]*\\\n((?:    --hash=sha256:\w+.*\n)+)", re.MULTILINE
)
_BUILT_FOR_CUDA = re.compile(r"'is_cuda_build', (True|False)")
# Of a fat binary: its magic number, version, the size of this header and of what follows; of each part: its kind (1
# PTX, 2 a binary), the size of its own header and of what follows, and at byte 28 the device that it is for.
_WHOLE = struct.Struct("<IHHQ")
_PART = struct.Struct("<HHIQ")
_MAGIC = struct.pack("<I", 0xBA55ED50)
_KINDS = {1: "compute", 2: "sm"}
_DEVICE = struct.Struct("<I")
_DEVICE_AT = 28


def locked(lock: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each package of a lock that may hold code for GPUs."""
    found = PINNED.findall(lock.read_text("utf-8"))
    return {name: (version, frozenset(re.findall(r"sha256:(\w+)", hashes))) for name, version, hashes in found}


def codes(data: bytes | mmap.mmap) -> set[str]:
    """Return what the fat binaries in a library are for: ``sm_80`` for a binary, ``compute_90`` for PTX."""
    found: set[str] = set()
    at = data.find(_MAGIC)
    while at != -1:
        _, version, header, size = _WHOLE.unpack_from(data, at)
        end = at + header + size
        if (version, header) == (1, _WHOLE.size) and end <= len(data):
            found.update(_parts(data, at + header, end))
        at = data.find(_MAGIC, at + len(_MAGIC))
    return found


def _parts(data: bytes | mmap.mmap, at: int, end: int) -> Iterator[str]:
    while at + _DEVICE_AT + _DEVICE.size <= end:
        kind, _, header, size = _PART.unpack_from(data, at)
        if kind not in _KINDS:
            return
        (device,) = _DEVICE.unpack_from(data, at + _DEVICE_AT)
        yield f"{_KINDS[kind]}_{device}"
        at += header + size


def listed(wheel: Path, package: str, version: str, hashes: frozenset[str]) -> dict[str, Any]:
    """Return what a wheel's libraries hold code for; those without any are left out."""
    with wheel.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 not in hashes:
        raise SystemExit(f"{wheel.name}: not what the lock pins; remove it and run again")
    found: dict[str, list[str]] = {}
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if ".so" in member.filename and (held := _held(archive, member)):
                found[member.filename] = sorted(held)
        build = next((name for name in archive.namelist() if name.endswith("/platform/build_info.py")), None)
        cuda = None if build is None else _BUILT_FOR_CUDA.search(archive.read(build).decode())
    facts = {} if cuda is None else {"is_cuda_build": cuda[1] == "True"}
    return {"package": package, "version": version, "file": wheel.name, "sha256": sha256, **facts, "libraries": found}


def _held(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> set[str]:
    if member.file_size == 0:
        return set()
    with tempfile.TemporaryFile() as unpacked:
        with archive.open(member) as packed:
            shutil.copyfileobj(packed, unpacked, 2**24)
        unpacked.flush()
        with mmap.mmap(unpacked.fileno(), 0, prot=mmap.PROT_READ) as data:
            return codes(data)


def fetch(package: str, version: str, machine: str, folder: Path) -> Path:
    """Return a package's wheel for Linux, from ``folder`` or the package index."""
    pattern = f"{package.replace('-', '_')}-{version}-*{machine}.whl"
    if not (lying := sorted(folder.glob(pattern))):
        kinds = [*(f"_2_{minor}" for minor in range(28, 4, -1)), "2014", "2010", "1"]
        platforms = [f"--platform=manylinux{kind}_{machine}" for kind in kinds]
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version=3.11", f"--dest={folder}"]
        command = [sys.executable, "-m", "pip", "download", *options, *platforms, f"{package}=={version}"]
        subprocess.run(command, check=True)
        lying = sorted(folder.glob(pattern))
    return lying[0]


def main(folder: Path) -> None:
    wheels = []
    for package, (version, hashes) in sorted(locked(LOCKS[0]).items()):
        machines = ("x86_64", "aarch64") if package == "tensorflow" else ("x86_64",)
        for machine in machines:
            wheels.append(listed(fetch(package, version, machine, folder), package, version, hashes))
            print(wheels[-1]["file"], flush=True)
    PATH.write_text(json.dumps({"wheels": wheels}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
