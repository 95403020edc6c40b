"""The container engine, and the images that it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import container_images
from harness.cli.doctor.findings import Finding, disk, version
from harness.container_images import DeclaredImage
from harness.errors import EngineError, ImagesError, MachineError
from harness.executors import Cause, engine_connection, engine_users
from harness.executors.engine_users import Users
from harness.meters.nvml import Gpu

_LEAST_API = (1, 41)
# An engine of another host that is switched off would let whoever asks wait for a minute.
PATIENCE_S = 3.0
_CPU_GIB, _GPU_GIB = 8, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What an engine says of itself: ``/info``, ``/version``, and the version of the API that it is spoken to in."""

    info: dict[str, Any]
    version: dict[str, Any]
    spoken: str

    @property
    def cdi(self) -> list[str]:
        """The devices that it lists by CDI."""
        devices = self.info.get("DiscoveredDevices") or ()
        return [device["ID"] for device in devices if device.get("Source") == "cdi"]


def reach() -> Engine | Finding:
    """Return what the engine says, through the same client as runs use; or that none answers."""
    try:
        client = engine_connection.connect(patience_s=PATIENCE_S)
    except MachineError as error:
        return _misnamed(error) if error.__cause__ is None else _silent(error.__cause__)
    try:
        return Engine(info=client.info(), version=client.version(), spoken=client.api.api_version)
    except engine_connection.FOREIGN as error:
        return _silent(error)
    finally:
        client.close()


def examine(reached: Engine, *, file: Path, gpus: Sequence[Gpu]) -> Iterator[Finding]:
    """Yield what is found of the engine, its disk and its images."""
    yield _engine(reached)
    yield _api(reached)
    yield _disk(reached, least_gib=_GPU_GIB if gpus else _CPU_GIB)
    yield from _images(file, wants_gpu=bool(gpus))


def cdi(reached: Engine, gpus: Sequence[Gpu]) -> Finding:
    """Return whether the engine lists the GPUs by CDI."""
    listed = [gpu for gpu in gpus if f"nvidia.com/gpu={gpu.uuid}" in reached.cdi]
    if len(listed) == len(gpus):
        return Finding(what="CDI", state="good", found=f"the engine lists {len(gpus)} of {len(gpus)} GPUs by UUID")
    remedy = (
        "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml, with Docker 28.3 or newer; "
        "until then runs go through the toolkit's own driver"
    )
    found = f"the engine lists {len(listed)} of {len(gpus)} GPUs by UUID"
    return Finding(what="CDI", state="missing", found=found, remedy=remedy)


def _misnamed(error: MachineError) -> Finding:
    found, _, remedy = str(error).partition("; ")
    return Finding(what="container engine", state="unfit", found=found, remedy=remedy)


def _silent(error: BaseException | None) -> Finding:
    what, otherwise = "container engine", "without one searches run as local processes"
    if isinstance(error, engine_connection.FOREIGN):
        cause, line = engine_connection.explained(error)
        if cause is not Cause.ENGINE_GONE:
            found, _, remedy = line.partition("; ")
            return Finding(what=what, state="unfit", found=found, remedy=f"{remedy}; {otherwise}")
    remedy = f"start it (systemctl start docker), or install one: docs/gpu-host.md; {otherwise}"
    return Finding(what=what, state="missing", found=f"none answers within {PATIENCE_S:g} s", remedy=remedy)


def _engine(reached: Engine) -> Finding:
    info, what = reached.info, "container engine"
    found = f"{info['ServerVersion']}, {info['Driver']}, cgroup v{info.get('CgroupVersion', '?')}"
    try:
        podman = engine_connection.is_podman(reached.version.get("Components") or ())
        users = engine_users.of_engine(info, is_podman=podman)
    except MachineError as error:
        why, _, remedy = str(error).partition("; ")
        return Finding(what=what, state="unfit", found=f"{found}: {why}", remedy=remedy)
    if users is not Users.SAME:
        found = f"{found}, users {users}"
    if not engine_users.enforces_limits(info, users):
        remedy = "for limits, and several cells at once, let the engine have control groups of version 2"
        return Finding(what=what, state="good", found=f"{found}, enforces no limits", remedy=remedy)
    return Finding(what=what, state="good", found=found)


def _api(reached: Engine) -> Finding:
    api, least = reached.version["ApiVersion"], reached.version.get("MinAPIVersion", "?")
    found = f"{least} to {api}, spoken to in {reached.spoken}"
    if version(api) >= _LEAST_API:
        return Finding(what="engine API", state="good", found=found)
    needed = ".".join(map(str, _LEAST_API))
    remedy = f"{needed} is needed: install Docker 20.10 or newer"
    return Finding(what="engine API", state="unfit", found=found, remedy=remedy)


def _disk(reached: Engine, *, least_gib: float) -> Finding:
    what, root = "engine's disk", Path(reached.info["DockerRootDir"])
    if not root.exists():
        remedy = "look on the engine's own machine: df"
        return Finding(what=what, state="unknown", found=f"no {root} on this machine", remedy=remedy)
    remedy = f"building images takes up to {least_gib} GiB; free some: docker system prune"
    return disk(root, what=what, least_gib=least_gib, remedy=remedy)


def _images(file: Path, *, wants_gpu: bool) -> Iterator[Finding]:
    try:
        declared = container_images.load(file)
    except ImagesError as error:
        found, _, remedy = str(error).partition("; ")
        yield Finding(what="images", state="unknown", found=found, remedy=remedy)
        return
    for image in declared:
        if wants_gpu or image.target != "gpu":
            yield _image(image)


def _image(image: DeclaredImage) -> Finding:
    what = f"image {image.name}"
    try:
        stale = container_images.stale(image)
    except EngineError as error:
        found, _, remedy = str(error).partition("; ")
        remedy = remedy or "see what docker info says"
        return Finding(what=what, state="unknown", found=found, remedy=remedy)
    if not stale:
        return Finding(what=what, state="good", found=f"{image.tag}, as pinned by its labels")
    found, _, remedy = stale[0].rpartition("; ")
    is_there = "not on this host" not in found
    return Finding(what=what, state="unfit" if is_there else "missing", found=found, remedy=remedy)
