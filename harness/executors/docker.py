"""Workers in containers that can touch nothing but their cell's folder: see docs/decisions/005-containers.md."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from docker.types import Mount

from harness import environment
from harness.environment import Identity
from harness.errors import MachineError
from harness.executors import cgroups, engine_connection, engine_users, file_ownership, sandbox
from harness.executors.cgroups import Meter
from harness.executors.container_resource_limits import ContainerLimits
from harness.executors.container_worker import DockerRunning, remove
from harness.executors.contract import Cause, Devices, Ended, Refused, Running
from harness.executors.engine_connection import EngineImage
from harness.executors.engine_users import Users
from harness.executors.file_ownership import ROOT, User
from harness.executors.slots import WHOLE, Slot
from harness.executors.standstill import GRACE_S, Standstill
from harness.matrix_schema import Container
from harness.results_folder import MatrixFolder

CAMPAIGN = "tuner-harness.campaign"
CELL = "tuner-harness.cell"
# How long an engine that was stopped may take to come back before a cell is given up.
PATIENCE_S = 60.0
_POLL_S = 0.5
# Another for each start of a kernel.
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_SEEN = "/mnt"
_WORKER = ("python", "-m", "harness.worker")


@dataclass(slots=True, kw_only=True)
class DockerExecutor:
    """Starts each worker in a fresh container of one image, by its id.

    ``campaign`` is the folder of the matrix being run: leftovers are known by it. ``limits`` are those of a worker that
    is alone. ``command`` is what the image runs; the worker's arguments follow it.
    """

    client: Any
    image: EngineImage
    engine: Mapping[str, Any]
    limits: ContainerLimits
    campaign: Path
    command: tuple[str, ...] = _WORKER
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    patience_s: float = PATIENCE_S
    standstill_grace_s: float = GRACE_S

    name = "docker"
    devices = Devices.OF_SLOT

    @classmethod
    def ready(
        cls,
        client: Any,
        *,
        reference: str,
        campaign: Path,
        container: Container,
        slots: Sequence[Slot] = (WHOLE,),
    ) -> DockerExecutor:
        """Return an executor whose image is there and was built from this harness's sources; every GPU is tried.

        Raises:
            MachineError: The engine, the image or a GPU isn't there, or the image is stale; says the way out.
            UserError: The engine, or the share of it that a slot is, has less than the matrix asks for.
        """
        image = engine_connection.current(engine_connection.image(client, reference), code=environment.code_hash())
        made = cls.of(client, image=image, campaign=campaign, container=container, slots=slots)
        made.try_gpus(slots)
        return made

    @classmethod
    def of(
        cls, client: Any, *, image: EngineImage, campaign: Path, container: Container, slots: Sequence[Slot]
    ) -> DockerExecutor:
        """Return an executor for an image as it is; raise as ``ready`` does for engine and limits."""
        facts = engine_connection.facts(client)
        if not facts["enforces_limits"]:
            _check_unlimited(container, slots)
        limits = ContainerLimits.declared(
            container, cpus=facts["cpus"], memory_bytes=facts["memory_bytes"], slot=slots[0]
        )
        return cls(client=client, image=image, engine=facts, limits=limits, campaign=campaign.resolve())

    def identity(self) -> Identity:
        """Return the hash of what the image pins, and that of the sources that it was built from."""
        return engine_connection.identity(self.image)

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot = WHOLE) -> Running:
        """Start the worker's ``program`` in a container that may write to ``folder`` alone, on its slot alone.

        A preparation, whose work it is to fill the cache, may write there too.
        """
        started = self.clock()
        unseen = self._unseen(folder.absolute(), cache)
        if unseen is not None:
            return Refused(ended=_refusal(Cause.ENGINE_REFUSED, unseen, started=started, now=started))
        while True:
            try:
                self._await_engine()
                self._sweep({CELL: folder.name})
                return self._started(program, folder.absolute(), cache=cache, log=log, slot=slot)
            except engine_connection.FOREIGN as error:
                cause, detail = engine_connection.explained(error)
                now = self.clock()
                # An engine that is being stopped answers for a moment, then is gone, and may come back.
                if cause is not Cause.ENGINE_GONE or now - started >= self.patience_s:
                    return Refused(ended=_refusal(cause, detail, started=started, now=now))

    def hold(self) -> None:
        """Keep the image as long as this campaign runs, by a container that is never started, until it is swept.

        Who clears up images, a build of another run among them, leaves what a container holds.

        Raises:
            MachineError: The engine doesn't see the campaign's folder, is another machine's, or refuses otherwise; says
                the way out.
        """
        with tempfile.TemporaryDirectory(prefix=".seen-", dir=self.campaign) as seen:
            place = Mount(target=_SEEN, source=seen, type="bind", read_only=True)
            try:
                self._created(mounts=[place], **self._options(User(uid=1, gid=1), slot=WHOLE))
                if self._is_podman or engine_connection.is_by_network(self.client):
                    self._check_machine(Path(seen), place)
            except engine_connection.FOREIGN as error:
                raise MachineError(engine_connection.refused(error, self.campaign)) from error

    def _check_machine(self, seen: Path, place: Mount) -> None:
        """Refuse an engine whose containers run on another kernel, or find another folder in this one's place."""
        token = secrets.token_hex()
        seen.chmod(0o755)
        (seen / "token").write_text(token, "utf-8")
        script = f"cat {_BOOT_ID}; cat {_SEEN}/token"
        looking = self._begun(
            entrypoint=["sh", "-c", script], mounts=[place], **self._options(User(uid=1, gid=1), slot=WHOLE)
        )
        looking.wait(timeout=self.patience_s)
        said = looking.logs(stdout=True, stderr=False).decode("utf-8", "replace").split()
        remove(looking)
        if said[:1] != [Path(_BOOT_ID).read_text("utf-8").strip()]:
            raise MachineError(
                "the container engine is another machine's, whose costs nobody here can read; run harness there, or "
                "name an engine of this one in DOCKER_HOST"
            )
        if said[1:] != [token]:
            raise MachineError(engine_connection.unseen(self.campaign))

    def sweep(self) -> None:
        """Remove what an earlier run of this campaign left on the engine; one that is gone has left nothing to do."""
        with _gone_is_swept():
            self._sweep({})

    def sweep_abandoned(self) -> list[Path]:
        """Remove what runs of other campaigns left at work when they were killed; return these campaigns' folders.

        It would go on beside this campaign's cells, and make them slower. What a run holds, or lies on another machine,
        is left alone.
        """
        ended: set[Path] = set()
        with _gone_is_swept():
            for left in self._listed([CAMPAIGN]):
                folder = Path(left.labels[CAMPAIGN])
                if folder != self.campaign and MatrixFolder(folder).is_abandoned:
                    remove(left)
                    ended.add(folder)
        return sorted(ended)

    def try_gpus(self, slots: Sequence[Slot]) -> None:
        """Start a container with nothing to do on each slot that has a GPU.

        Raises:
            MachineError: The engine can't give a GPU.
        """
        having = [slot for slot in slots if slot.gpu is not None]
        if having and self._is_podman:
            # It takes the request, says nothing, and gives none.
            raise MachineError(
                "Podman gives no GPU to those who speak Docker's language; use Docker, or local processes"
            )
        try:
            for slot in having:
                remove(self._begun(entrypoint=["true"], **self._options(User(uid=1, gid=1), slot=slot)))
        except engine_connection.FOREIGN as error:
            raise MachineError(engine_connection.explained(error)[1]) from error

    def _await_engine(self) -> None:
        """Wait for an engine that is being started anew; one that failed to come back is not waited for again."""
        until = self.clock() + self.patience_s
        while True:
            try:
                self.client.ping()
            except engine_connection.FOREIGN:
                if self.clock() >= until:
                    self.patience_s = 0.0
                    raise
                self.sleep(_POLL_S)
            else:
                return

    def _started(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot) -> DockerRunning:
        started = self.clock()
        user = engine_users.inside(self.engine["users"], file_ownership.worker(cache))
        owner = file_ownership.owner(folder.parent)
        fills_cache = program == "prepare"

        def give_back() -> None:
            file_ownership.hand_over(folder, of=user, to=owner)

        _lend(folder, cache, to=user, fills_cache=fills_cache)
        try:
            container = self._begun(
                command=[program, str(folder), str(cache), repr(started)],
                **self._options(user, folder.name, slot=slot),
                **sandbox.places(folder, cache, user=user, fills_cache=fills_cache, owned=self._owned),
            )
        except BaseException:
            give_back()
            raise
        # Where nothing limits a container, it shares its control group with whoever runs the engine.
        own = cgroups.find(container.attrs["State"]["Pid"]) if self.engine["enforces_limits"] else None
        meter = Meter(own)
        return DockerRunning(
            container=container,
            started=started,
            deadline_s=self.limits.deadline_s,
            log=log,
            clock=self.clock,
            meter=meter,
            facts=self._facts(container),
            give_back=give_back,
            standstill=Standstill(
                container=container, cgroup=meter.cgroup, clock=self.clock, grace_s=self.standstill_grace_s
            ),
        )

    def _unseen(self, folder: Path, cache: Path) -> str | None:
        """Say which path of a worker's Podman, unlike Docker, would take and yet not show; None where there is none."""
        for path in sandbox.seen(folder, cache) if self._is_podman else ():
            if not path.exists():
                return f"{path}: no such file or folder any more; bring it back, then run again"
            if path.is_relative_to(sandbox.ROOTS_HOME):
                return f"{path}: closed to workers in Podman's containers; take --results and --cache elsewhere"
        return None

    @property
    def _is_podman(self) -> bool:
        return bool(self.engine["name"] == engine_connection.PODMAN)

    @property
    def _owned(self) -> Callable[[User], str]:
        return sandbox.by_mode if self._is_podman else sandbox.by_owner

    def _begun(self, **options: Any) -> Any:
        """Create a container and start it; one that doesn't start is removed."""
        container = self._created(**options)
        try:
            container.start()
            container.reload()
        except BaseException:
            remove(container)
            raise
        return container

    def _created(self, **options: Any) -> Any:
        return self.client.containers.create(self.image.id, **{"entrypoint": list(self.command), **options})

    def _options(self, user: User, cell: str = "", *, slot: Slot) -> dict[str, Any]:
        return sandbox.options(
            limits=self.limits.within(slot, memory_bytes=self.engine["memory_bytes"]),
            user=user,
            content=self.image.content,
            labels={CAMPAIGN: str(self.campaign), CELL: cell},
            devices=[] if slot.gpu is None else [sandbox.device(slot.gpu, by_cdi=self.engine["cdi_devices"])],
            slot=slot,
            of_host=self.engine["users"] == Users.REMAPPED,
        )

    def _sweep(self, labels: Mapping[str, str]) -> None:
        wanted = [f"{name}={value}" for name, value in {CAMPAIGN: str(self.campaign), **labels}.items()]
        for left in self._listed(wanted):
            remove(left)

    def _listed(self, wanted: Sequence[str]) -> list[Any]:
        found: list[Any] = self.client.containers.list(all=True, ignore_removed=True, filters={"label": list(wanted)})
        return found

    def _facts(self, container: Any) -> dict[str, Any]:
        image = {**asdict(self.image), "content": self.image.content}
        return {
            "container": container.id,
            "image": image,
            "engine": dict(self.engine),
            "enforced": engine_connection.enforced(container),
        }


@contextmanager
def _gone_is_swept() -> Iterator[None]:
    try:
        yield
    except engine_connection.FOREIGN as error:
        if engine_connection.explained(error)[0] is not Cause.ENGINE_GONE:
            raise MachineError(engine_connection.explained(error)[1]) from error


def _lend(folder: Path, cache: Path, *, to: User, fills_cache: bool) -> None:
    file_ownership.hand_over(folder, of=None, to=to)
    if fills_cache:
        # Not given back: another campaign's preparation may be writing there, and root reads what anyone owns.
        file_ownership.hand_over(cache, of=ROOT, to=to)


def _check_unlimited(container: Container, slots: Sequence[Slot]) -> None:
    """Refuse to promise limits that an engine doesn't hold containers to.

    Raises:
        MachineError: The matrix asks for one, or cells are to share the processors.
    """
    asked = [name for name in ("cpus", "memory_gib") if getattr(container, name) is not None]
    what = f"container.{asked[0]}" if asked else "--at-once" if len(slots) > 1 else None
    if what is not None:
        raise MachineError(
            f"{what}: a rootless engine enforces no limit without control groups of version 2; leave it out, or name "
            "another engine in DOCKER_HOST"
        )


def _refusal(cause: Cause, detail: str, *, started: float, now: float) -> Ended:
    return Ended(exit_code=None, signal=None, wall_s=now - started, cause=cause, detail=detail)
