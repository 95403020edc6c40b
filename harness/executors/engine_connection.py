"""The container engine: reached, asked for what it is, and its errors told in one line with the way out."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.constants import DEFAULT_TIMEOUT_SECONDS
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from harness import image_labels
from harness.environment import Identity
from harness.errors import EngineError, MachineError
from harness.executors import engine_address, engine_users
from harness.executors.contract import Cause
from harness.image_labels import Pinned

# Whatever the SDK raises: its own errors, and those of the connection beneath.
FOREIGN = (DockerException, RequestException)

PODMAN = "podman"
"""The name of an engine that speaks Docker's language and is another."""
# The store that an engine says it keeps images in, where that isn't its own.
_CONTAINERD = "io.containerd.snapshotter"
_BUILD = "build it: harness images build"
_START = "start it (systemctl start docker), then run again: finished cells are kept"
# What Docker and Podman say of a folder that isn't there.
_UNSEEN = ("bind source path does not exist", "no such file or directory")
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
    ("container-init binary not found", "Podman lacks its init; install the package catatonit"),
    ("no space left on device", "the engine's disk is full; free some: docker system prune"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineImage:
    """An image as the engine has it: what was asked for, and what that stands for now."""

    reference: str
    id: str
    repo_digests: tuple[str, ...]
    layers: tuple[str, ...]
    pinned: Pinned | None
    """What its labels say that it is made from; None where they don't say all of it."""

    @property
    def content(self) -> str | None:
        """The hash of what it pins: what cells are planned for."""
        return None if self.pinned is None else self.pinned.content


def connect(*, patience_s: float = DEFAULT_TIMEOUT_SECONDS) -> Any:
    """Return the SDK's client of the engine that the environment names; ``patience_s`` is for each of its answers.

    Raises:
        EngineError: No engine answers.
        MachineError: It refuses this user, or what names it can't be followed.
    """
    address = engine_address.found()
    try:
        # As the SDK's ``from_env`` does, which knows no contexts.
        return docker.DockerClient(**address, version="auto", timeout=patience_s)
    except FOREIGN as error:
        _close_sockets(error)
        cause, line = explained(error)
        raise (EngineError if cause is Cause.ENGINE_GONE else MachineError)(line) from error


def _close_sockets(error: BaseException | None) -> None:
    """Close the sockets that the SDK leaves open where it can't connect: Python would warn of each."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            left = frame.f_locals.get("sock")
            if isinstance(left, socket.socket):
                left.close()
        error = error.__context__


def image(client: Any, reference: str) -> EngineImage:
    """Return what the engine has under a reference.

    Raises:
        MachineError: It has none.
    """
    try:
        found = client.images.get(image_labels.local_name(reference))
        _check_id(client, reference, found.id)
    except ImageNotFound as error:
        raise MachineError(f"image {reference}: the engine has none of this name; {_way_to(reference)}") from error
    except FOREIGN as error:
        raise MachineError(explained(error)[1]) from error
    return EngineImage(
        reference=reference,
        id=found.id,
        repo_digests=tuple(found.attrs.get("RepoDigests") or ()),
        layers=tuple(found.attrs.get("RootFS", {}).get("Layers") or ()),
        pinned=image_labels.read(found.labels),
    )


def has(client: Any, reference: str) -> bool:
    """Return whether the engine has an image of this name.

    Raises:
        MachineError: It doesn't answer.
    """
    try:
        return bool(client.images.get(image_labels.local_name(reference)))
    except ImageNotFound:
        return False
    except FOREIGN as error:
        raise MachineError(explained(error)[1]) from error


def _check_id(client: Any, reference: str, found: str) -> None:
    """Refuse an image that has another's id as its tag; containerd's store has ids of its own, and isn't asked."""
    wanted = image_labels.id_in(reference)
    if wanted in (None, found) or _CONTAINERD in str(client.info().get("DriverStatus")):
        return
    raise MachineError(f"image {reference}: the engine has another under its name ({found}); {_way_to(reference)}")


def _way_to(reference: str) -> str:
    if not image_labels.has_digest(reference):
        return _BUILD
    own = image_labels.id_in(reference)
    return f"pull it: harness images pull {reference if own is None else f'oci:DIR@{own}, from the folder it is in'}"


def current(found: EngineImage, *, code: str) -> EngineImage:
    """Return ``found`` if it was built from sources that hash to ``code``.

    Raises:
        MachineError: It was built from others, or doesn't say what it was built from.
    """
    if identity(found).code != code:
        built = f"was built from other sources than this harness's ({code[:12]}…)"
        raise MachineError(f"image {found.reference}: {built}; {_BUILD}")
    return found


def identity(found: EngineImage) -> Identity:
    """Return what workers in containers of an image are; it must say what it is made from.

    Raises:
        MachineError: It doesn't.
    """
    if found.pinned is None:
        raise MachineError(f"image {found.reference}: its labels don't say what it is made from; {_BUILD}")
    return Identity(environment=found.pinned.content, code=found.pinned.source)


def facts(client: Any) -> dict[str, Any]:
    """Return what the engine is: name, version, storage driver, control groups, processors, memory, GPUs by CDI.

    Raises:
        MachineError: It doesn't answer, or is rootless and another user's.
    """
    try:
        told, parts = client.info(), client.version().get("Components") or ()
    except FOREIGN as error:
        raise MachineError(explained(error)[1]) from error
    users = engine_users.of_engine(told, is_podman=is_podman(parts))
    devices = told.get("DiscoveredDevices") or ()
    return {
        "name": PODMAN if is_podman(parts) else "docker",
        "version": told["ServerVersion"],
        "storage_driver": told["Driver"],
        "cgroup_version": told.get("CgroupVersion"),
        "cpus": told["NCPU"],
        "memory_bytes": told["MemTotal"],
        "cdi_devices": [device["ID"] for device in devices if device.get("Source") == "cdi"],
        "users": str(users),
        "enforces_limits": engine_users.enforces_limits(told, users),
    }


def is_podman(parts: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an engine's list of its own parts is Podman's."""
    return any(part["Name"] == "Podman Engine" for part in parts)


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


def is_by_network(client: Any) -> bool:
    """Whether the engine is reached by something else than a socket of this machine's disk."""
    return not str(client.api.base_url).startswith("http+docker://")


def refused(error: Exception, folder: Path) -> str:
    """Return what to say where an engine refuses to show a folder that is here to a container."""
    said = explained(error)[1]
    return unseen(folder) if any(sign in said for sign in _UNSEEN) else said


def unseen(folder: Path) -> str:
    """Return what to say of an engine that has no such folder, though it is here."""
    why = "it is another machine's, or that of the host around this container"
    way = "name one of this machine in DOCKER_HOST, or start it here"
    return f"the container engine doesn't see {folder}: {why}; {way}"


def _said(error: Exception) -> str:
    text = str(error.explanation) if isinstance(error, APIError) and error.explanation else str(error)
    return " ".join(text.split())[:300]
