"""Workers in containers that can touch nothing but their cell's folder: see docs/decisions/005-containers.md."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from docker.types import DeviceRequest, LogConfig, Mount

from harness import environment
from harness.environment import Identity
from harness.errors import MachineError
from harness.executors import cgroups, engine, ownership
from harness.executors.cgroups import Meter
from harness.executors.container import DockerRunning, remove
from harness.executors.engine import Image
from harness.executors.limits import Limits
from harness.executors.ownership import ROOT, User
from harness.executors.running import SETTINGS, Cause, Ended, Running
from harness.records import CellFolder
from harness.spec import Container

CAMPAIGN = "tuner-harness.campaign"
CELL = "tuner-harness.cell"
# How long an engine that was stopped may take to come back before a cell is given up.
PATIENCE_S = 60.0
_POLL_S = 0.5
_WORKER = ("python", "-m", "harness.worker")
HOME = "/tmp"  # noqa: S108 - a file system of the container's own
_SCRATCH = "rw,nosuid,nodev,noexec,size=256m,mode=1777"
_PASSABLE = "rw,nosuid,nodev,noexec,size=1m,mode=0755"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A worker that could not be started: it has ended before it began."""

    ended: Ended

    def wait(self, timeout_s: float) -> Ended:
        """Return the end at once."""
        del timeout_s
        return self.ended

    def stop(self) -> Ended:
        """Return the end."""
        return self.ended


@dataclass(slots=True, kw_only=True)
class DockerExecutor:
    """Starts each worker in a fresh container of one image, by its id.

    ``campaign`` is the folder of the matrix being run: leftovers are known by it. ``gpu`` is a device's UUID or index,
    or None. ``command`` is what the image runs; the worker's arguments follow it.
    """

    client: Any
    image: Image
    engine: Mapping[str, Any]
    limits: Limits
    campaign: Path
    gpu: str | None = None
    command: tuple[str, ...] = _WORKER
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    patience_s: float = PATIENCE_S

    name = "docker"

    @classmethod
    def ready(
        cls, client: Any, *, reference: str, campaign: Path, container: Container, gpu: str | None
    ) -> DockerExecutor:
        """Return an executor whose image is there and was built from this harness's sources.

        Raises:
            MachineError: The engine, the image or the GPU isn't there, or the image is stale; says the way out.
            UserError: The engine has less than the matrix asks for.
        """
        image = engine.current(engine.image(client, reference), code=environment.code_hash())
        facts = engine_facts(client)
        limits = Limits.declared(container, cpus=facts["cpus"], memory_bytes=facts["memory_bytes"])
        made = cls(client=client, image=image, engine=facts, limits=limits, campaign=campaign.absolute(), gpu=gpu)
        if gpu is not None:
            made.try_gpu()
        return made

    def identity(self) -> Identity:
        """Return the image's id, and the hash of the sources that it was built from."""
        return Identity(environment=_bare(self.image.id), code=str(self.image.code))

    def start(self, program: str, folder: Path, *, cache: Path, log: Path) -> Running:
        """Start the worker's ``program`` in a container that may write to ``folder`` alone.

        A preparation, whose work it is to fill the cache, may write there too.
        """
        started = self.clock()
        try:
            self._await_engine()
            self._sweep({CELL: folder.name})
            return self._started(program, folder.absolute(), cache=cache, log=log, started=self.clock())
        except engine.FOREIGN as error:
            cause, detail = engine.explained(error)
            return Refused(ended=_refusal(cause, detail, started=started, now=self.clock()))

    def sweep(self) -> None:
        """Remove what an earlier run of this campaign left on the engine; one that is gone has left nothing to do."""
        try:
            self._sweep({})
        except engine.FOREIGN as error:
            if engine.explained(error)[0] is not Cause.ENGINE_GONE:
                raise MachineError(engine.explained(error)[1]) from error

    def try_gpu(self) -> None:
        """Start a container with the GPU and nothing to do.

        Raises:
            MachineError: The engine can't give the GPU.
        """
        created = None
        try:
            created = self.client.containers.create(
                self.image.id, entrypoint=["true"], **self._sandbox(User(uid=1, gid=1))
            )
            created.start()
        except engine.FOREIGN as error:
            raise MachineError(engine.explained(error)[1]) from error
        finally:
            if created is not None:
                remove(created)

    def _await_engine(self) -> None:
        """Wait for an engine that is being started anew; one that failed to come back is not waited for again."""
        until = self.clock() + self.patience_s
        while True:
            try:
                self.client.ping()
            except engine.FOREIGN:
                if self.clock() >= until:
                    self.patience_s = 0.0
                    raise
                self.sleep(_POLL_S)
            else:
                return

    def _started(self, program: str, folder: Path, *, cache: Path, log: Path, started: float) -> DockerRunning:
        user = ownership.worker(cache)
        owner = ownership.owner(folder.parent)
        fills_cache = program == "prepare"
        _lend(folder, cache, to=user, fills_cache=fills_cache)
        container = self.client.containers.create(
            self.image.id,
            entrypoint=list(self.command),
            command=[program, str(folder), str(cache), repr(started)],
            **self._sandbox(user, folder.name),
            **_places(folder, cache, fills_cache=fills_cache),
        )
        try:
            container.start()
            container.reload()
        except BaseException:
            remove(container)
            raise
        return DockerRunning(
            container=container,
            started=started,
            deadline_s=self.limits.deadline_s,
            log=log,
            clock=self.clock,
            meter=Meter(cgroups.find(container.attrs["State"]["Pid"])),
            facts=self._facts(container),
            give_back=lambda: ownership.hand_over(folder, of=user, to=owner),
        )

    def _sandbox(self, user: User, cell: str = "") -> dict[str, Any]:
        """Return the options that keep a container to itself, and to its limits."""
        limits = self.limits
        return {
            "cap_drop": ["ALL"],
            "device_requests": [] if self.gpu is None else [self._device(self.gpu)],
            "environment": {
                **SETTINGS,
                "HOME": HOME,
                # Libraries that ask for a name would look up a number that the image doesn't know.
                "USER": "harness",
                environment.IMAGE: _bare(self.image.id),
            },
            "init": True,
            "labels": {CAMPAIGN: str(self.campaign), CELL: cell},
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
            "working_dir": HOME,
        }

    def _device(self, gpu: str) -> DeviceRequest:
        """Return the request for one GPU: through CDI where the engine lists it so, else through NVIDIA's driver."""
        if f"nvidia.com/gpu={gpu}" in self.engine["cdi_devices"]:
            return DeviceRequest(driver="cdi", device_ids=[f"nvidia.com/gpu={gpu}"])
        return DeviceRequest(driver="nvidia", device_ids=[gpu], capabilities=[["gpu", "compute", "utility"]])

    def _sweep(self, labels: Mapping[str, str]) -> None:
        wanted = [f"{name}={value}" for name, value in {CAMPAIGN: str(self.campaign), **labels}.items()]
        for left in self.client.containers.list(all=True, ignore_removed=True, filters={"label": wanted}):
            remove(left)

    def _facts(self, container: Any) -> dict[str, Any]:
        image = {**asdict(self.image), "repo_digests": list(self.image.repo_digests)}
        return {"container": container.id, "image": image, "engine": dict(self.engine), "enforced": enforced(container)}


def engine_facts(client: Any) -> dict[str, Any]:
    """Return what the engine is: versions, storage driver, control groups, processors, memory, GPUs by CDI.

    Raises:
        MachineError: It doesn't answer.
    """
    try:
        told = client.info()
    except engine.FOREIGN as error:
        raise MachineError(engine.explained(error)[1]) from error
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


def _places(folder: Path, cache: Path, *, fills_cache: bool) -> dict[str, Any]:
    """Return what of the host's disk a container sees, each under its own path, and its own file systems."""
    mounts = {folder: True, cache: fills_cache}
    mounts |= {path: False for path in _read(folder) if not path.is_relative_to(cache)}
    tmpfs = {HOME: _SCRATCH}
    if any(path.is_relative_to("/root") for path in mounts):
        # The image's own folder of that name is closed to all but root.
        tmpfs["/root"] = _PASSABLE
    # Mounts, not volumes: the engine would make a missing volume's folder, and root would own it.
    return {
        "mounts": [
            Mount(target=str(path), source=str(path), type="bind", read_only=not writable)
            for path, writable in mounts.items()
        ],
        "tmpfs": tmpfs,
    }


def _read(folder: Path) -> Iterator[Path]:
    """Yield the data and weights that the folder's cell names."""
    cell = CellFolder(folder).cell()
    yield from map(Path, cell.source.get("paths", ()))
    if cell.weights.get("path") is not None:
        yield Path(cell.weights["path"])


def _lend(folder: Path, cache: Path, *, to: User, fills_cache: bool) -> None:
    ownership.hand_over(folder, of=None, to=to)
    if fills_cache:
        # Not given back: another campaign's preparation may be writing there, and root reads what anyone owns.
        ownership.hand_over(cache, of=ROOT, to=to)


def _refusal(cause: Cause, detail: str, *, started: float, now: float) -> Ended:
    return Ended(exit_code=None, signal=None, wall_s=now - started, finished=now, cause=cause, detail=detail)


def _bare(image_id: str) -> str:
    return image_id.removeprefix("sha256:")
