"""Where cells run unless the user says: in containers where they can, else as local processes, and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import container_images, environment, image_labels
from harness.container_images.probe import normal
from harness.environment import Identity
from harness.errors import EngineError, MachineError
from harness.executors import engine_connection
from harness.executors.docker import DockerExecutor
from harness.matrix_schema import Container
from harness.placement import required_libraries
from harness.placement.slot_choice import ChosenSlots

DECLARED = container_images.OWN
"""The images that are built and looked for unless one is named."""

# Measured on two cores, with every package to be fetched.
_FIRST_BUILD = {"cpu": "2 GB and about 3 minutes", "gpu": "7 GB and about 6 minutes"}
# An engine of another host that is switched off would let every run wait for a minute.
_ENGINE_PATIENCE_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Containers that cells would run in.

    Attributes:
        reference: The image.
        engine: The engine's version.
        chosen: The slots that they run on.
        build: The image where it must be built first; None where it is here and current.
        identity: What the workers are, built or not.
        packages: Names of all that it has, or will; None where that is not known here.
    """

    reference: str
    engine: str
    chosen: ChosenSlots
    build: container_images.DeclaredImage | None
    identity: Identity
    packages: frozenset[str] | None

    def __str__(self) -> str:
        """Say it as the end of "running …"."""
        return f"in containers of {self.reference} (engine {self.engine}, {self.chosen})"

    @property
    def trains_on_cpu(self) -> bool:
        """Whether cells would train on a CPU: a container sees the GPUs that it is given."""
        return not self.chosen.has_gpus

    @property
    def is_here(self) -> bool:
        """Whether cells would run in this process's own environment: never."""
        return False

    @property
    def place(self) -> str:
        """What messages call it."""
        return f"image {self.reference}"

    def has(self, module: str) -> bool:
        """Return whether cells could import a module, as far as is known."""
        return self.packages is None or not self.packages.isdisjoint(required_libraries.packages_of(module))

    def has_package(self, name: str) -> bool:
        """Return whether cells could import from a package, as far as is known."""
        return self.packages is None or normal(name) in self.packages

    def remedy(self, _: str | None = None) -> str:
        """Return what to do about what the image lacks."""
        return "run the matrix as local processes (--executor local)"

    @property
    def builds(self) -> bool:
        """Whether something must be built first."""
        return self.build is not None

    @property
    def is_news(self) -> bool:
        """Whether the user should be told: always, as the image may be one of several."""
        return True


def named(reference: str | None, *, chosen: ChosenSlots) -> Intent:
    """Return containers of an image by its name, None for the harness's own; nothing is started.

    Raises:
        MachineError: The engine or the image isn't there, or the image is stale; says the way out.
    """
    reference = reference or f"tuner-harness:{_target(chosen)}"
    with closing(engine_connection.connect()) as client:
        version = engine_connection.facts(client)["version"]
        found = engine_connection.current(engine_connection.image(client, reference), code=environment.code_hash())
        return _of_image(found, version=version, chosen=chosen)


def fetch(reference: str, *, say: Callable[[str], None]) -> None:
    """Pull an image that a registry has by this digest, unless it is here; ``say`` that, as it takes minutes.

    Raises:
        MachineError: It can't be pulled; says the way out.
    """
    with closing(engine_connection.connect()) as client:
        is_here = engine_connection.has(client, reference)
    # What came from a folder is in no registry: what is missing is told where the image is looked for.
    if is_here or image_labels.id_in(reference) is not None:
        return
    say(f"pulling {reference}")
    container_images.pull(reference)


def found(chosen: ChosenSlots) -> Intent:
    """Return what this host can do with its slots: nothing is built, fetched or started to find out.

    Raises:
        MachineError: No container could be run; one line says why, and the way out where there is one.
        ImagesError: ``docker/images.toml`` can't be followed.
    """
    with closing(_connected()) as client:
        version = engine_connection.facts(client)["version"]
        return _declared(client, version=version, chosen=chosen)


def ready(intent: Intent, *, campaign: Path, container: Container) -> DockerExecutor:
    """Build what has to be built, try what has to be tried, and return an executor.

    Raises:
        MachineError: It can't be done; says the way out.
        UserError: The engine has less than the matrix asks for.
    """
    client = engine_connection.connect()
    if intent.build is not None:
        _try_first(client, intent, campaign=campaign, container=container)
        container_images.build(
            intent.build,
            extra_ca=_path(os.environ.get("SSL_CERT_FILE")),
            index_url=os.environ.get("PIP_INDEX_URL"),
        )
    return DockerExecutor.ready(
        client, reference=intent.reference, campaign=campaign, container=container, slots=intent.chosen.slots
    )


def build_takes(image: container_images.DeclaredImage) -> str:
    """Return how large an image is and how long its build takes, in words."""
    return f"the first time {_FIRST_BUILD[image.target]}, later seconds where only sources changed"


def _connected() -> Any:
    try:
        return engine_connection.connect(patience_s=_ENGINE_PATIENCE_S)
    except EngineError as error:
        raise EngineError("no container engine answers; harness doctor says more") from error


def _target(chosen: ChosenSlots) -> str:
    return "gpu" if chosen.has_gpus else "cpu"


def _declared(client: Any, *, version: str, chosen: ChosenSlots) -> Intent:
    image = next(one for one in container_images.load(DECLARED) if one.target == _target(chosen))
    if not container_images.stale(image):
        return _of_image(engine_connection.image(client, image.tag), version=version, chosen=chosen)
    made_of = container_images.planned(image)
    return Intent(
        reference=image.tag,
        engine=version,
        chosen=chosen,
        build=image,
        identity=Identity(environment=made_of.content, code=made_of.source),
        packages=container_images.packages_of(image),
    )


def _of_image(found: engine_connection.EngineImage, *, version: str, chosen: ChosenSlots) -> Intent:
    """Return containers of an image that is here."""
    identity = engine_connection.identity(found)
    return Intent(
        reference=found.reference,
        engine=version,
        chosen=chosen,
        build=None,
        identity=identity,
        packages=_packages(found),
    )


def _packages(found: engine_connection.EngineImage) -> frozenset[str] | None:
    """Return what an image has by the lock that it was built from; None where no such lock is declared here."""
    same = (
        image
        for image in container_images.load(DECLARED)
        if found.pinned is not None and container_images.lock_hash(image) == found.pinned.lock
    )
    return next(map(container_images.packages_of, same), None)


def _try_first(client: Any, intent: Intent, *, campaign: Path, container: Container) -> None:
    """Try the folder and the GPUs with any image that is here, before minutes go into one that could not use them."""
    here = next(_here(client, intent), None)
    if here is not None:
        slots = intent.chosen.slots
        executor = DockerExecutor.of(client, image=here, campaign=campaign, container=container, slots=slots)
        executor.hold()
        executor.try_gpus(slots)


def _here(client: Any, intent: Intent) -> Iterator[engine_connection.EngineImage]:
    bases = [] if intent.build is None else [base.reference for base in intent.build.bases.values()]
    for reference in (intent.reference, "tuner-harness:cpu", *bases):
        try:
            yield engine_connection.image(client, reference)
        except MachineError:
            continue


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
