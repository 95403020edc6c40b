"""What a container may see, touch and use: see docs/decisions/005-containers.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.types import DeviceRequest, LogConfig, Mount

from harness import environment
from harness.executors.container_resource_limits import ContainerLimits
from harness.executors.contract import SETTINGS
from harness.executors.file_ownership import User
from harness.executors.slots import Slot
from harness.records import CellFolder

HOME = "/tmp"  # noqa: S108 - a file system of the container's own
ROOTS_HOME = "/root"
_SCRATCH_MIB = 256


def options(
    *,
    limits: ContainerLimits,
    user: User,
    content: str | None,
    labels: Mapping[str, str],
    devices: Sequence[DeviceRequest],
    slot: Slot,
    of_host: bool = False,
) -> dict[str, Any]:
    """Return the options that keep a container to itself, and to its limits; ``content`` is its image's.

    ``of_host`` asks an engine that would map its user to another not to.
    """
    return {
        "cap_drop": ["ALL"],
        # Empty for all of them.
        "cpuset_cpus": slot.cpu_set or "",
        "device_requests": list(devices),
        "environment": {
            **SETTINGS,
            **slot.settings,
            "HOME": HOME,
            # Libraries that ask for a name would look up a number that the image doesn't know.
            "USER": "harness",
            **({} if content is None else {environment.IMAGE: content}),
            **({environment.NEEDS_GPU: "1"} if devices else {}),
        },
        "init": True,
        "labels": dict(labels),
        # What the engine keeps of the output until it is collected.
        "log_config": LogConfig(type=LogConfig.types.JSON, config={"max-size": "16m", "max-file": "2"}),
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,
        "nano_cpus": round(limits.cpus * 1e9),
        "network_mode": "none",
        "pids_limit": limits.pids,
        "read_only": True,
        "security_opt": ["no-new-privileges"],
        "shm_size": limits.shm_bytes,
        "user": str(user),
        **({"userns_mode": "host"} if of_host else {}),
        "working_dir": HOME,
    }


def device(gpu: str, *, by_cdi: Sequence[str]) -> DeviceRequest:
    """Return the request for one GPU: through CDI where the engine lists it so, else through NVIDIA's driver."""
    name = f"nvidia.com/gpu={gpu}"
    if name in by_cdi:
        return DeviceRequest(driver="cdi", device_ids=[name])
    return DeviceRequest(driver="nvidia", device_ids=[gpu], capabilities=[["gpu", "compute", "utility"]])


def seen(folder: Path, cache: Path) -> list[Path]:
    """Return what of the host's disk a worker at the cell in ``folder`` reads: both, and what else its cell names."""
    return [folder, cache, *(path for path in CellFolder(folder).cell().read if not path.is_relative_to(cache))]


def places(folder: Path, cache: Path, *, user: User, fills_cache: bool, owned: Callable[[User], str]) -> dict[str, Any]:
    """Return what of the host's disk a container sees, each under its own path, and its own file systems.

    ``owned`` says in an engine's words that such a file system is a user's: ``by_owner`` or ``by_mode``.
    """
    mounts = {**dict.fromkeys(seen(folder, cache), False), folder: True, cache: fills_cache}
    tmpfs = {HOME: _own(_SCRATCH_MIB, owned(user))}
    if any(path.is_relative_to(ROOTS_HOME) for path in mounts):
        # The image's own folder of that name is closed to all but root.
        tmpfs[ROOTS_HOME] = _own(1, owned(user))
    # Mounts, not volumes: the engine would make a missing volume's folder, and root would own it.
    return {
        "mounts": [
            Mount(target=str(path), source=str(path), type="bind", read_only=not writable)
            for path, writable in mounts.items()
        ],
        "tmpfs": tmpfs,
    }


def by_owner(user: User) -> str:
    """Give a file system to the user alone: some runtimes give it the mode of the image's folder beneath it."""
    return f"mode=0700,uid={user.uid},gid={user.gid}"


def by_mode(_: User) -> str:
    """Open a file system to all, of whom there is one in the container.

    Podman knows no owner of such a mount, and would copy what the image has there, with its mode.
    """
    return "mode=1777,notmpcopyup"


def _own(size_mib: int, owned: str) -> str:
    return f"rw,nosuid,nodev,noexec,size={size_mib}m,{owned}"
