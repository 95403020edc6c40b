"""The container engine: reached, asked for what it is, and its errors told in one line with the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from harness.errors import MachineError
from harness.executors.running import Cause

# Whatever the SDK raises: its own errors, and those of the connection beneath.
FOREIGN = (DockerException, RequestException)
# The labels that `harness images build` leaves on an image.
SOURCE_LABEL = "tuner-harness.source-hash"

# How an engine says that numbers of users inside are others outside.
_MAPPED = ("name=rootless", "name=userns")
_BUILD = "build it: harness images build"
_START = "start it (systemctl start docker), then run again: finished cells are kept"
# What the engine says, and the way out.
_REMEDIES = (
    (
        "could not select device driver",
        "the engine can give no GPU; install the NVIDIA container toolkit and restart the engine, or leave --gpu out",
    ),
    (
        "CDI device",
        "the engine knows no such GPU; make its list anew: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",
    ),
    ("no space left on device", "the engine's disk is full; free some: docker system prune"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as the engine has it: what was asked for, and what that stands for now."""

    reference: str
    id: str
    repo_digests: tuple[str, ...]
    code: str | None


def connect() -> Any:
    """Return the SDK's client of the engine that the environment names.

    Raises:
        MachineError: No engine answers.
    """
    try:
        return docker.from_env()
    except FOREIGN as error:
        raise MachineError(explained(error)[1]) from error


def image(client: Any, reference: str) -> Image:
    """Return what the engine has under a reference.

    Raises:
        MachineError: It has none.
    """
    try:
        found = client.images.get(reference)
    except ImageNotFound as error:
        raise MachineError(f"image {reference}: the engine has none of this name; {_BUILD}") from error
    except FOREIGN as error:
        raise MachineError(explained(error)[1]) from error
    return Image(
        reference=reference,
        id=found.id,
        repo_digests=tuple(found.attrs.get("RepoDigests") or ()),
        code=found.labels.get(SOURCE_LABEL),
    )


def current(found: Image, *, code: str) -> Image:
    """Return ``found`` if it was built from sources that hash to ``code``.

    Raises:
        MachineError: It was built from others.
    """
    if found.code != code:
        built = "says not from which sources it was built" if found.code is None else "was built from other sources"
        raise MachineError(f"image {found.reference}: {built} than this harness's ({code[:12]}…); {_BUILD}")
    return found


def facts(client: Any) -> dict[str, Any]:
    """Return what the engine is: versions, storage driver, control groups, processors, memory, GPUs by CDI.

    Raises:
        MachineError: It doesn't answer, or maps users to others.
    """
    try:
        told = client.info()
    except FOREIGN as error:
        raise MachineError(explained(error)[1]) from error
    if any(option.startswith(_MAPPED) for option in told.get("SecurityOptions") or ()):
        raise MachineError(
            "the engine maps users to others (rootless, or userns-remap), so that a cell's files would not be yours; "
            "name one that doesn't in DOCKER_HOST"
        )
    devices = told.get("DiscoveredDevices") or ()
    return {
        "version": told["ServerVersion"],
        "storage_driver": told["Driver"],
        "cgroup_version": told.get("CgroupVersion"),
        "cpus": told["NCPU"],
        "memory_bytes": told["MemTotal"],
        "cdi_devices": [device["ID"] for device in devices if device.get("Source") == "cdi"],
    }


def enforced(container: Any) -> dict[str, Any]:
    """Return the limits and the hardening that the engine says it holds a container to."""
    host, config = container.attrs["HostConfig"], container.attrs["Config"]
    return {
        "cpus": host["NanoCpus"] / 1e9,
        "cpu_set": host["CpusetCpus"] or None,
        "memory_bytes": host["Memory"],
        "memory_and_swap_bytes": host["MemorySwap"],
        "pids": host["PidsLimit"],
        "shm_bytes": host["ShmSize"],
        "network": host["NetworkMode"],
        "read_only_root": host["ReadonlyRootfs"],
        "dropped_capabilities": host["CapDrop"],
        "security": host["SecurityOpt"],
        "user": config["User"],
    }


def explained(error: Exception) -> tuple[Cause, str]:
    """Return which trouble an error of the SDK is, in one line."""
    said = _said(error)
    if isinstance(error, ImageNotFound):
        return Cause.IMAGE_MISSING, f"{said}; {_BUILD}"
    for sign, remedy in _REMEDIES:
        if sign in said:
            return Cause.ENGINE_REFUSED, f"{remedy} (the engine says: {said})"
    if isinstance(error, APIError):
        return Cause.ENGINE_REFUSED, f"the engine says: {said}"
    if "Permission denied" in said:
        return Cause.ENGINE_REFUSED, "the engine's socket is closed to this user; add them to the group docker"
    return Cause.ENGINE_GONE, f"the container engine doesn't answer; {_START} ({said})"


def _said(error: Exception) -> str:
    text = str(error.explanation) if isinstance(error, APIError) and error.explanation else str(error)
    return " ".join(text.split())[:300]
