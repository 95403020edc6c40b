"""A container engine that is a fake: the SDK's interface as far as the executor uses it, and containers that wait.

And a real one, for the tests that need it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import docker
import pytest
import requests
from docker.errors import APIError, ImageNotFound, NotFound

from harness import environment
from harness.cells import Cell
from harness.errors import MachineError
from harness.executors import WHOLE, Slot, engine_connection
from harness.executors.docker import DockerExecutor
from harness.matrix_schema import Container
from harness.records import CellFolder
from tests.executors.real_engine import REFERENCE, Bench, OwnEngine, kill_what_names, tiny, unmount_below

IMAGE_ID = "sha256:" + "1" * 64
LAYERS = ["sha256:" + "5" * 64, "sha256:" + "6" * 64]
_LONGEST_S = 20.0


def labels(source: str) -> dict[str, str]:
    """The labels that a build from ``source`` leaves."""
    return {
        "tuner-harness.base": "python:3@sha256:" + "b" * 64,
        "tuner-harness.lock-hash": "d" * 64,
        "tuner-harness.recipe-hash": "e" * 64,
        "tuner-harness.source-hash": source,
    }


@dataclass
class FakeContainer:
    """Runs until it is ended by a test, or stopped."""

    engine: FakeDockerClient
    image: str
    options: dict[str, Any]
    id: str
    output: list[bytes] = field(default_factory=list)
    status: int | None = None
    error: Exception | None = None
    oom_killed: bool = False
    started: bool = False
    removed: bool = False
    deaf: bool = False
    paused: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def attrs(self) -> dict[str, Any]:
        options = self.options
        return {
            "State": {"Pid": 0, "OOMKilled": self.oom_killed, "Paused": self.paused},
            "Config": {"User": options["user"]},
            "HostConfig": {
                "NanoCpus": options["nano_cpus"],
                "CpusetCpus": options["cpuset_cpus"],
                "Memory": options["mem_limit"],
                "MemorySwap": options["memswap_limit"],
                "PidsLimit": options["pids_limit"],
                "ShmSize": options["shm_size"],
                "NetworkMode": options["network_mode"],
                "ReadonlyRootfs": options["read_only"],
                "CapDrop": options["cap_drop"],
                "SecurityOpt": options["security_opt"],
            },
        }

    def ends(self, status: int | None = None, *, error: Exception | None = None, output: bytes = b"") -> None:
        """End as a test says: with a status, or with an error for whoever waits."""
        self.status, self.error = status, error
        self.output.append(output)
        self.over.set()

    def start(self) -> None:
        self.engine.answer()
        if self.engine.refuses_start is not None:
            raise self.engine.refuses_start
        self.started = True

    def reload(self) -> None:
        self.engine.answer()

    def wait(self, *, timeout: float | None) -> dict[str, Any]:
        if timeout is not None:
            self._looks()
            return {"StatusCode": 0}
        assert self.over.wait(_LONGEST_S)
        if self.error is not None:
            raise self.error
        return {"StatusCode": self.status}

    def unpause(self) -> None:
        assert self.paused
        self.paused = False

    def stop(self, *, timeout: int) -> None:
        assert timeout > 0
        assert not self.paused
        self.engine.answer()
        if not self.over.is_set():
            self.ends(137 if self.deaf else 143)

    def _looks(self) -> None:
        """Read what a container is shown of the machine and of its folder."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes() if self.engine.has_our_kernel else b"another\n"
        token = Path(self.options["mounts"][0]["Source"]) / "token"
        self.output = [boot, token.read_bytes() if self.engine.has_our_disk else b""]

    def logs(self, *, stdout: bool, stderr: bool, stream: bool = False, follow: bool = False) -> Any:
        assert (stdout, stderr, stream, follow) in ((True, True, True, False), (True, False, False, False))
        self.engine.answer()
        return iter(self.output) if stream else b"".join(self.output)

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self.options["labels"]
        return labels

    def remove(self, *, force: bool) -> None:
        assert force
        self.engine.answer()
        if self.removed:
            raise FakeDockerClient.error("No such container", 404, NotFound)
        self.removed = True


@dataclass
class FakeDockerClient:
    """The engine: has one image, remembers its containers, and may be gone or refuse."""

    labels: dict[str, str] = field(default_factory=dict)
    image_id: str = IMAGE_ID
    made: list[FakeContainer] = field(default_factory=list)
    gone: Exception | None = None
    comes_back_after: int = 0
    refuses_start: Exception | None = None
    has_image: bool = True
    pings: int = 0
    name: str = "Engine"
    has_our_disk: bool = True
    has_our_kernel: bool = True
    api: Any = field(default_factory=lambda: SimpleNamespace(base_url="http+docker://localhost"))
    told: dict[str, Any] = field(
        default_factory=lambda: {"ServerVersion": "fake", "Driver": "overlay2", "NCPU": 4, "MemTotal": 10 * 2**30}
    )

    @staticmethod
    def error(text: str, status: int = 500, kind: type[APIError] = APIError) -> APIError:
        """An error as the SDK makes it of the engine's answer."""
        response = requests.Response()
        response.status_code = status
        return kind(text, response=response, explanation=text)

    def answer(self) -> None:
        if self.gone is not None:
            raise self.gone

    def ping(self) -> bool:
        self.pings += 1
        if self.comes_back_after and self.pings > self.comes_back_after:
            self.gone = None
        self.answer()
        return True

    def close(self) -> None:
        """Nothing is open."""

    def info(self) -> dict[str, Any]:
        self.answer()
        return self.told

    def version(self) -> dict[str, Any]:
        self.answer()
        return {"Components": [{"Name": self.name}, {"Name": "runc"}]}

    @property
    def images(self) -> Any:
        return SimpleNamespace(get=self._image)

    @property
    def containers(self) -> Any:
        return SimpleNamespace(create=self._create, list=self._list)

    @property
    def left(self) -> list[FakeContainer]:
        """The containers that were not removed."""
        return [each for each in self.made if not each.removed]

    def _image(self, reference: str) -> Any:
        self.answer()
        if not self.has_image:
            raise FakeDockerClient.error(f"No such image: {reference}", 404, ImageNotFound)
        attrs = {"RepoDigests": ["x@sha256:" + "2" * 64], "RootFS": {"Layers": LAYERS}}
        return SimpleNamespace(id=self.image_id, labels=self.labels, attrs=attrs)

    def _create(self, image: str, **options: Any) -> FakeContainer:
        self._image(image)
        if options.get("mounts") and not self.has_our_disk and self.name == "Engine":
            source = options["mounts"][0]["Source"]
            raise self.error(f'invalid mount config for type "bind": bind source path does not exist: {source}', 400)
        self.made.append(FakeContainer(self, image, options, f"c{len(self.made)}"))
        return self.made[-1]

    def _list(self, *, all: bool, ignore_removed: bool, filters: dict[str, list[str]]) -> list[FakeContainer]:  # noqa: A002 - the SDK's name
        assert all
        assert ignore_removed
        self.answer()
        named = {label for label in filters["label"] if "=" not in label}
        wanted = dict(label.split("=", 1) for label in filters["label"] if "=" in label)
        labelled = [each for each in self.left if wanted.items() <= each.options["labels"].items()]
        return [each for each in labelled if named <= each.options["labels"].keys()]


@dataclass
class Workshop:
    """A cell's folder, a cache, and an executor on the fake engine."""

    client: FakeDockerClient
    path: Path
    cell: Cell

    @property
    def campaign(self) -> Path:
        return self.path / "my matrix"

    @property
    def cache(self) -> Path:
        return self.path / "ä cache"

    @property
    def log(self) -> Path:
        return self.folder.log

    @property
    def folder(self) -> CellFolder:
        return CellFolder(self.campaign / "cells" / "abc")

    def executor(self, *, slots: Sequence[Slot] = (WHOLE,), **limits: Any) -> DockerExecutor:
        made = DockerExecutor.ready(
            self.client, reference="mine:1", campaign=self.campaign, container=Container(**limits), slots=slots
        )
        made.sleep = lambda _: None
        made.patience_s = 0.0
        return made

    def start(self, executor: DockerExecutor | None = None, program: str = "search", *, slot: Slot = WHOLE) -> Any:
        made = executor or self.executor(slots=(slot,))
        return made.start(program, self.folder.path, cache=self.cache, log=self.log, slot=slot)


@pytest.fixture
def client() -> FakeDockerClient:
    return FakeDockerClient(labels=labels(environment.code_hash()))


@pytest.fixture
def workshop(client: FakeDockerClient, tmp_path: Path, cell: Cell) -> Workshop:
    made = Workshop(client, tmp_path, cell)
    made.cache.mkdir()
    made.folder.write_cell(cell)
    # Where root runs the tests, the folder is handed to the worker's user: see test_ownership.py.
    assert os.access(made.folder.path, os.W_OK)
    return made


@pytest.fixture(scope="session")
def real_client(without_engine: Callable[[str], NoReturn]) -> Iterator[Any]:
    made, reason = None, ""
    try:
        made = engine_connection.connect()
    except MachineError as error:
        reason = str(error)
    if made is None:
        without_engine(reason)
    yield made
    made.close()


@pytest.fixture(scope="session")
def reference(real_client: Any, without_engine: Callable[[str], NoReturn]) -> str:
    """The real image, or where it was not built a tiny one: the sandbox is the same."""
    try:
        real_client.images.get(REFERENCE)
    except docker.errors.ImageNotFound:
        return tiny(real_client, without_engine)
    return REFERENCE


@pytest.fixture
def bench(real_client: Any, reference: str, tmp_path: Path, cell: Cell) -> Iterator[Bench]:
    made = Bench(real_client, reference, tmp_path, cell.model_copy(update={"source": cell.source.changed(paths=[])}))
    yield made
    made.executor("").sweep()


@pytest.fixture
def own_engine(without_engine: Callable[[str], NoReturn]) -> Iterator[OwnEngine]:
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        without_engine("only root can start an engine of the test's own, where dockerd is installed")
    # Sockets' paths are short.
    path = Path(tempfile.mkdtemp())
    own = OwnEngine(path)
    own.start()
    yield own
    own.end()
    kill_what_names(path)
    unmount_below(path)
    shutil.rmtree(path)
