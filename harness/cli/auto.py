"""Where cells run unless the user says: in containers where they can, else as local processes, and why."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import environment, images
from harness.environment import Identity
from harness.errors import EngineError, MachineError
from harness.executors import engine
from harness.executors.docker import DockerExecutor
from harness.spec import Container, Device

DECLARED = Path(environment.__file__).parents[1] / "docker" / "images.toml"
"""What a checkout of the harness declares; one that was installed as a package has none."""

# Measured on two cores, with every package to be fetched.
_FIRST_BUILD = {"cpu": "2 GB and about 3 minutes", "gpu": "7 GB and about 6 minutes"}
_DRIVER_PATIENCE_S = 20
# An engine of another host that is switched off would let every run wait for a minute.
_ENGINE_PATIENCE_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Containers that cells would run in.

    Attributes:
        reference: The image.
        engine: The engine's version.
        gpu: The device that they get, by UUID or index; None for none.
        build: The image where it must be built first; None where it is here and current.
        identity: What the workers are, built or not.
    """

    reference: str
    engine: str
    gpu: str | None
    build: images.Image | None
    identity: Identity

    def __str__(self) -> str:
        """Say it as the end of "running …"."""
        device = "no GPU" if self.gpu is None else f"GPU {self.gpu}"
        return f"in containers of {self.reference} (engine {self.engine}, {device})"

    @property
    def builds(self) -> bool:
        """Whether something must be built first."""
        return self.build is not None

    @property
    def is_news(self) -> bool:
        """Whether the user should be told: always, as the image may be one of several."""
        return True


def named(reference: str | None, *, gpu: str | None, device: Device) -> Intent:
    """Return containers of an image by its name, None for the harness's own; nothing is started.

    Raises:
        MachineError: The engine, the image or a GPU isn't there, or the image is stale; says the way out.
    """
    if gpu is None and device == "gpu":
        gpu = _any_gpu()
    reference = reference or f"tuner-harness:{'cpu' if gpu is None else 'gpu'}"
    with closing(engine.connect()) as client:
        version = engine.facts(client)["version"]
        found = engine.current(engine.image(client, reference), code=environment.code_hash())
        return Intent(reference=reference, engine=version, gpu=gpu, build=None, identity=engine.identity(found))


def found(*, device: Device) -> Intent:
    """Return what this host can do: nothing is built, fetched or started to find out.

    Raises:
        MachineError: No container could be run; one line says why, and the way out where there is one.
        ImagesError: ``docker/images.toml`` can't be followed.
    """
    gpu = _any_gpu() if device == "gpu" else next(iter(gpus()), None)
    target = "cpu" if gpu is None else "gpu"
    with closing(_connected()) as client:
        version = engine.facts(client)["version"]
        if not DECLARED.is_file():
            return _installed(client, f"tuner-harness:{target}", version=version, gpu=gpu)
        return _declared(client, target, version=version, gpu=gpu)


def ready(intent: Intent, *, campaign: Path, container: Container) -> DockerExecutor:
    """Build what has to be built, try what has to be tried, and return an executor.

    Raises:
        MachineError: It can't be done; says the way out.
        UserError: The engine has less than the matrix asks for.
    """
    client = engine.connect()
    if intent.build is not None:
        _try_gpu_first(client, intent, campaign=campaign, container=container)
        images.build(
            intent.build,
            extra_ca=_path(os.environ.get("SSL_CERT_FILE")),
            index_url=os.environ.get("PIP_INDEX_URL"),
        )
    return DockerExecutor.ready(
        client, reference=intent.reference, campaign=campaign, container=container, gpu=intent.gpu
    )


def build_takes(image: images.Image) -> str:
    """Return how large an image is and how long its build takes, in words."""
    return f"the first time {_FIRST_BUILD[image.target]}, later seconds where only sources changed"


def gpus() -> list[str]:
    """Return the UUIDs of the GPUs that NVIDIA's driver answers for; none where there is no driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    query = [command, "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=_DRIVER_PATIENCE_S)
    except subprocess.TimeoutExpired:
        # A broken driver never answers.
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()] if answer.returncode == 0 else []


def _any_gpu() -> str:
    listed = gpus()
    if not listed:
        raise MachineError("device: the matrix asks for a GPU, and NVIDIA's driver lists none; see docs/gpu-host.md")
    return listed[0]


def _connected() -> Any:
    try:
        return engine.connect(patience_s=_ENGINE_PATIENCE_S)
    except EngineError as error:
        raise EngineError("no container engine answers; harness doctor says more") from error


def _installed(client: Any, reference: str, *, version: str, gpu: str | None) -> Intent:
    """Return containers of an image that is here and current: without its sources' folder, none can be built."""
    try:
        here = engine.current(engine.image(client, reference), code=environment.code_hash())
    except MachineError as error:
        way = "this installation has no docker/ folder to build from: build it in a checkout of the same version"
        raise MachineError(f"{str(error).partition(';')[0]}; {way}") from error
    return Intent(reference=reference, engine=version, gpu=gpu, build=None, identity=engine.identity(here))


def _declared(client: Any, target: str, *, version: str, gpu: str | None) -> Intent:
    image = next(one for one in images.load(DECLARED) if one.target == target)
    stale = images.stale(image)
    if stale:
        made_of = images.planned(image)
        identity = Identity(environment=made_of.content, code=made_of.source)
    else:
        identity = engine.identity(engine.image(client, image.tag))
    return Intent(reference=image.tag, engine=version, gpu=gpu, build=image if stale else None, identity=identity)


def _try_gpu_first(client: Any, intent: Intent, *, campaign: Path, container: Container) -> None:
    """Try the GPU with any image that is here, before minutes go into one that could not use it."""
    here = next(_here(client, intent), None) if intent.gpu is not None else None
    if here is not None:
        executor = DockerExecutor.of(client, image=here, campaign=campaign, container=container, gpu=intent.gpu)
        executor.try_gpu()


def _here(client: Any, intent: Intent) -> Iterator[engine.Image]:
    bases = [] if intent.build is None else [base.reference for base in intent.build.bases.values()]
    for reference in (intent.reference, "tuner-harness:cpu", *bases):
        try:
            yield engine.image(client, reference)
        except MachineError:
            continue


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
