"""Which executor is asked for, and what it comes to on this host."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from harness import compute_capability, environment, image_labels
from harness.environment import Identity
from harness.errors import MachineError, UserError
from harness.executors import Executor, LocalExecutor, Slot, forked, own_executor, ray_cluster, slurm
from harness.extensions import EXECUTOR, finding, loading
from harness.matrix_schema import Container, Device
from harness.meters import nvml
from harness.placement import required_libraries, slot_choice
from harness.placement.slot_choice import ChosenSlots

if TYPE_CHECKING:
    from harness.executors.docker import DockerExecutor
    from harness.placement.container_choice import Intent

Start = Literal["warm", "fresh"]
"""How a local process begins: forked from one that has imported everything, or by itself."""

_FOR_OTHER_DEVICES = ("tensorflow-rocm", "tensorflow-metal", "tensorflow-directml-plugin")

LOCAL: Callable[..., Executor] = LocalExecutor
EXECUTORS = ("auto", "local", "docker", "slurm", "ray")
"""The executors that have a name; any other word is the path of a user's own, or ``package:NAME``."""
_CLUSTERS = ("slurm", "ray")
VARIABLE = "HARNESS_EXECUTOR"
"""The environment variable that says where cells run unless the command line does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Cells would run as processes of this host; ``why`` says why not in containers, None where that was asked for.

    ``trouble`` says why none of them would train, where that is known beforehand.
    """

    why: str | None
    identity: Identity
    chosen: ChosenSlots
    trouble: str | None = None

    @property
    def trains_on_cpu(self) -> bool:
        """Whether cells would train on a CPU: a process that is given no GPU takes the first that it sees."""
        return not self.chosen.has_gpus and slot_choice.sees_none(nvml.find, os.environ)

    @property
    def builds(self) -> bool:
        """Whether something must be built first: never."""
        return False

    @property
    def is_news(self) -> bool:
        """Whether the user should be told: not where it was asked for."""
        return self.why is not None

    @property
    def is_here(self) -> bool:
        """Whether cells would run in this process's own environment: always."""
        return True

    @property
    def place(self) -> str:
        """What messages call it."""
        return "this Python"

    def has(self, module: str) -> bool:
        """Return whether cells could import a module."""
        return required_libraries.is_installed(module)

    def has_package(self, _: str) -> bool:
        """Return whether cells could import from an installed package: always from one that this Python has."""
        return True

    def remedy(self, tuner: str | None = None) -> str:
        """Return how to bring what a tuner (None: what training) imports."""
        return required_libraries.remedy(tuner, has_gpus=self.chosen.has_gpus)

    def __str__(self) -> str:
        """Say it as the end of "running …"."""
        number = len(self.chosen.slots)
        processes = "as local processes" if number == 1 else f"as local processes ({self.chosen})"
        return processes if self.why is None else f"{processes}: {self.why}"


class StartsElsewhere(Executor, Protocol):
    """An executor that holds something until it is closed."""

    def close(self) -> None:
        """End what it holds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere(Local):
    """Cells would run wherever what ``called`` says has them run; ``create`` makes it for a matrix's folder."""

    called: str
    create: Callable[[Path, Container], StartsElsewhere]

    @property
    def trains_on_cpu(self) -> bool:
        """Whether cells would train on a CPU: not as far as is known."""
        return False

    @property
    def is_news(self) -> bool:
        """Whether the user should be told: always."""
        return True

    @property
    def is_here(self) -> bool:
        """Whether cells would run in this process's own environment: its packages perhaps, but not its machine."""
        return False

    def __str__(self) -> str:
        """Say it as the end of "running …"."""
        number = len(self.chosen.slots)
        return f"by {self.called}" + ("" if number == 1 else f", {number} cells at once")


def _refuse_windows() -> None:
    if not hasattr(os, "fork"):
        raise MachineError("searches don't run on Windows; run them on Linux (WSL 2 will do), and read results here")


def _admit_any(_: Intent | Local) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """An executor, and the slots on which it starts workers; ``intent`` says where that is."""

    executor: Executor
    slots: Sequence[Slot]
    intent: Intent | Local


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the options say: an executor, an image or None, GPUs, how many cells run at once, how they start, a cluster.

    ``executor`` is one of ``EXECUTORS``, the path of a user's own, or ``package:NAME``. ``max_hours`` is how long the
    whole run may take, which a scheduler is told.
    """

    executor: str
    image: str | None = None
    gpus: tuple[str, ...] = ()
    at_once: int | None = None
    start: Start = "warm"
    max_hours: float | None = None
    address: str | None = None

    @property
    def options(self) -> list[str]:
        """The options that say the same."""
        executor = None if self.executor == os.environ.get(VARIABLE, "auto") else self.executor
        at_once = None if self.at_once is None else str(self.at_once)
        named = [("--executor", executor), ("--image", self.image), *(("--gpu", gpu) for gpu in self.gpus)]
        start = None if self.start == "warm" else self.start
        given = [*named, ("--at-once", at_once), ("--start", start), ("--address", self.address)]
        return [word for name, value in given if value is not None for word in (name, value)]

    @property
    def is_free(self) -> bool:
        """Whether the choice is the harness's: an image or a GPU that is named is for a container."""
        return self.executor == "auto" and self.image is None and not self.gpus

    def in_image_of(self, container: Container) -> Where:
        """Return the same in the one image that a matrix asks for, if it does.

        Raises:
            UserError: The options ask for another, or for none.
        """
        if container.image is None:
            return self
        if self.image not in (None, container.image):
            raise UserError(f"--image {self.image}: the matrix asks for {container.image}; leave one of them out")
        if self.executor not in ("auto", "docker"):
            way = "leave that out, or take --executor docker"
            raise UserError(f"container.image: with --executor {self.executor} no cell runs in an image; {way}")
        return replace(self, image=container.image)

    def intended(self, *, device: Device) -> Intent | Local:
        """Return where cells would run; nothing is built, fetched or started to find out.

        Raises:
            UserError: The options contradict each other.
            MachineError: No container can be run here as asked; says the way out.
        """
        if self.executor in _CLUSTERS:
            return self._on_cluster(device)
        self._refuse_address()
        if self.executor not in EXECUTORS:
            return self._own()
        if self.executor == "local":
            if self.image is not None:
                raise UserError("--image: a local process has none; add --executor docker, or leave it out")
            return self._local(None, device)
        return self._in_container(device)

    def _in_container(self, device: Device) -> Intent | Local:
        # Only here: the engine's SDK takes a fifth of a second to import.
        from harness.placement import container_choice  # noqa: PLC0415

        if not self.is_free:
            return container_choice.named(self.image, chosen=self._chosen(device))
        try:
            return container_choice.found(self._chosen(device))
        except MachineError as error:
            return self._local(str(error), device)

    def _refuse_address(self) -> None:
        if self.address is not None:
            raise UserError(f"--address: only --executor ray has one; add that, or leave {self.address} out")

    def _on_cluster(self, device: Device) -> Elsewhere:
        needs_gpu = device == "gpu"
        if self.executor == "ray":
            # What is known of this Python's packages is what is found at the first look.
            ray_cluster.identity()
            return self._elsewhere("Ray", partial(_on_ray, address=self.address, needs_gpu=needs_gpu))
        self._refuse_address()
        create = partial(slurm.create, needs_gpu=needs_gpu, is_warm=self.start == "warm")
        return self._elsewhere("Slurm", _anywhere(partial(create, max_hours=self.max_hours)))

    @contextmanager
    def working(
        self,
        *,
        campaign: Path,
        container: Container,
        device: Device,
        admit: Callable[[Intent | Local], None] = _admit_any,
        say: Callable[[str], None] = forked.say_nothing,
    ) -> Iterator[Here]:
        """Give the executor and its slots, and ``say`` which; containers left behind, earlier runs' too, are removed.

        ``admit`` is asked about wherever cells would run before anything is built or started; it raises to refuse.

        Raises:
            UserError: The options contradict each other.
            MachineError: No container can be run here as asked, or this is Windows; says the way out.
        """
        _refuse_windows()
        self._fetch(say)
        intent = self.intended(device=device)
        _refuse_in_vain(intent)
        admit(intent)
        containers, intent = self._containers(intent, campaign=campaign, container=container, device=device, say=say)
        _refuse_in_vain(intent)
        admit(intent)
        if intent.is_news:
            say(f"running {intent}")
        if containers is None:
            started = self._started(intent, campaign=campaign, container=container, device=device, say=say)
            with started as executor:
                yield Here(executor=executor, slots=intent.chosen.slots, intent=intent)
            return
        for folder in containers.sweep_abandoned():
            say(f"ended what a killed run of {folder} had left at work: its trials are kept")
        try:
            yield Here(executor=containers, slots=intent.chosen.slots, intent=intent)
        finally:
            containers.sweep()

    def _fetch(self, say: Callable[[str], None]) -> None:
        """Pull an image that is named by digest and isn't here."""
        if self.image is None or not image_labels.has_digest(self.image):
            return
        from harness.placement import container_choice  # noqa: PLC0415 - see above

        container_choice.fetch(self.image, say=say)

    def _containers(
        self,
        intent: Intent | Local,
        *,
        campaign: Path,
        container: Container,
        device: Device,
        say: Callable[[str], None],
    ) -> tuple[DockerExecutor | None, Intent | Local]:
        """Return what runs containers, None where there is none to be; and where cells run then."""
        if isinstance(intent, Local):
            return None, intent
        from harness.placement import container_choice  # noqa: PLC0415 - see above

        if intent.build is not None:
            say(f"building {intent.reference} first: {container_choice.build_takes(intent.build)}")
        try:
            containers = container_choice.ready(intent, campaign=campaign, container=container)
            containers.sweep()
            containers.hold()
        except MachineError as error:
            if not self.is_free:
                raise
            return None, self._local(str(error), device)
        return containers, intent

    def _started(
        self,
        intent: Intent | Local,
        *,
        campaign: Path,
        container: Container,
        device: Device,
        say: Callable[[str], None],
    ) -> AbstractContextManager[Executor]:
        """Return what runs cells where no container is to."""
        if isinstance(intent, Elsewhere):
            return closing(intent.create(campaign, container))
        processes = _processes(device)
        if self.start == "warm" and isinstance(processes, LocalExecutor) and forked.can_fork():
            return forked.warmed(processes, owner=campaign, say=say)
        return nullcontext(processes)

    def _chosen(self, device: Device) -> ChosenSlots:
        """Return what containers would run on: where no GPU is named, those of this host or, of a named image, none."""
        if self.gpus or not (self.is_free or device == "gpu"):
            return slot_choice.asked(at_once=self.at_once, gpus=self.gpus, find=nvml.find, shown=os.environ)
        return slot_choice.of_host(at_once=self.at_once, find=nvml.find, shown=os.environ, needs_gpu=device == "gpu")

    def _own(self) -> Elsewhere:
        if finding.named(self.executor) is None and not Path(self.executor).exists():
            known = f"there are {', '.join(EXECUTORS)}, a Python file of your own, and package:NAME"
            raise UserError(f"--executor {self.executor}: no executor and no file of that name; {known}")
        found = finding.find(EXECUTOR, self.executor, base=Path.cwd())
        return self._elsewhere(loading.called(found), _anywhere(partial(own_executor.create, found)))

    def _elsewhere(self, called: str, create: Callable[[Path, Container], StartsElsewhere]) -> Elsewhere:
        if self.image is not None or self.gpus:
            told = "--image" if self.image is not None else "--gpu"
            raise UserError(f"{told}: --executor {self.executor} places its workers itself; leave one of them out")
        number = self.at_once or 1
        chosen = ChosenSlots(slots=[Slot(at_once=number) for _ in range(number)])
        return Elsewhere(why=None, identity=environment.identity(), chosen=chosen, called=called, create=create)

    def _local(self, why: str | None, device: Device) -> Local:
        chosen = slot_choice.of_processes(at_once=self.at_once, gpus=self.gpus, find=nvml.find, shown=os.environ)
        trouble = _without_gpu(self.gpus) if device == "gpu" or self.gpus else None
        return Local(why=why, identity=_processes(device).identity(), chosen=chosen, trouble=trouble)


def _anywhere(create: Callable[[Path], StartsElsewhere]) -> Callable[[Path, Container], StartsElsewhere]:
    """Return what makes an executor that takes no note of what a matrix says of containers."""
    return lambda campaign, _: create(campaign)


def _on_ray(_: Path, container: Container, *, address: str | None, needs_gpu: bool) -> StartsElsewhere:
    return ray_cluster.create(container=container, address=address, needs_gpu=needs_gpu)


def _refuse_in_vain(intent: Intent | Local) -> None:
    if isinstance(intent, Local) and intent.trouble is not None:
        raise MachineError(intent.trouble)


def _without_gpu(named: Sequence[str]) -> str | None:
    """Return why no process of this host would train on a GPU; None where one may.

    ``named`` are the GPUs that processes are given, whatever the environment shows. What NVIDIA's driver lists says
    nothing of a TensorFlow for other makers' devices: its own worker asks it.
    """
    version_of = required_libraries.version_of
    if any(map(version_of, _FOR_OTHER_DEVICES)):
        return None
    asked = f"--gpu {named[0]}" if named else "device: the matrix asks for a GPU"
    if named and not (found := nvml.find()).gpus:
        return f"{asked}: {found.reason}; see harness doctor"
    if not named and slot_choice.sees_none(nvml.find, os.environ):
        return slot_choice.NO_GPU
    whole = version_of("tensorflow")
    # A maker's own build says so behind a plus.
    if platform.machine() == "aarch64" and whole is not None and "+" not in whole:
        return f"{asked}, and {compute_capability.NO_ARM_BUILD}"
    if whole is None and version_of("tensorflow-cpu") is not None:
        remedy = required_libraries.remedy(has_gpus=True)
        return f"{asked}, and this Python's TensorFlow is for the CPU alone; {remedy}"
    return None


def _processes(device: Device) -> Executor:
    return LOCAL(needs_gpu=True) if device == "gpu" else LOCAL()
