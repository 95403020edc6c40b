"""A real engine's containers with a line of shell in the worker's place, and an engine of a test's own."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import docker

from harness.campaign.events import CellEnds, Event, State
from harness.campaign.wave_runner import Runner
from harness.cells import Cell
from harness.executors import Ended, Executor, engine_connection
from harness.executors.container_resource_limits import ContainerLimits
from harness.executors.docker import DockerExecutor
from harness.records import CellFolder
from harness.results_folder import MatrixFolder

REFERENCE = os.environ.get("HARNESS_TEST_IMAGE", "tuner-harness:cpu")
TINY = "tuner-harness-test/busybox:1"
MIB = 2**20
PATIENCE_S = 60.0


def tiny(client: Any, without_engine: Callable[[str], NoReturn]) -> str:
    """Import an image that holds a shell and nothing else, unless the engine has it from earlier tests."""
    if client.images.list(name=TINY):
        return TINY
    busybox = shutil.which("busybox")
    if busybox is None:
        without_engine(f"the engine has no image {REFERENCE}, and there is no busybox to make one of")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.add(busybox, "bin/busybox")
        for name in (
            "sh",
            "cat",
            "cut",
            "df",
            "dd",
            "grep",
            "head",
            "ls",
            "mkdir",
            "sleep",
            "tail",
            "touch",
            "tr",
            "true",
        ):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    repository, tag = TINY.split(":")
    client.api.import_image_from_data(data.getvalue(), repository=repository, tag=tag)
    return TINY


class Bench:
    """Cells' folders, a cache, and executors whose worker is a line of shell."""

    def __init__(self, client: Any, reference: str, path: Path, cell: Cell) -> None:
        self.client, self.reference, self.path, self.cell = client, reference, path, cell
        self.cache = path / "ä cache"
        self.cache.mkdir()
        self.folder = CellFolder(path / "my matrix" / "cells" / cell.id)
        self.folder.write_cell(cell)

    def executor(self, script: str, *, deadline_s: float | None = None, **changes: Any) -> DockerExecutor:
        limits = ContainerLimits(cpus=1.0, memory_bytes=64 * MIB, pids=64, shm_bytes=8 * MIB, deadline_s=deadline_s)
        made = DockerExecutor(
            client=self.client,
            image=engine_connection.image(self.client, self.reference),
            engine=engine_connection.facts(self.client),
            limits=limits,
            campaign=self.path / "my matrix",
            command=("sh", "-c", script),
        )
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    def start(self, executor: DockerExecutor, program: str = "search") -> Any:
        return executor.start(program, self.folder.path, cache=self.cache, log=self.folder.log)

    def run(self, script: str, **changes: Any) -> Ended:
        ended: Ended | None = self.start(self.executor(script, **changes)).wait(PATIENCE_S)
        assert ended is not None
        return ended

    @property
    def said(self) -> str:
        return self.folder.log.read_text("utf-8")

    def containers(self) -> list[Any]:
        label = f"tuner-harness.campaign={self.path / 'my matrix'}"
        found: list[Any] = self.client.containers.list(all=True, filters={"label": label})
        return found


def campaign(
    bench: Bench, executor: Executor, *, folder_gib: float = 1.0
) -> tuple[list[tuple[State, str | None]], CellFolder]:
    """Run the bench's cell as a campaign does; return how it ended, and its folder."""
    heard: list[Event] = []
    folder = MatrixFolder(bench.path / "my matrix")
    runner = Runner(folder=folder, executor=executor, cache=bench.cache, watch=heard.append, folder_gib=folder_gib)
    runner.run([bench.cell], retry_failed=False)
    return [(event.state, event.reason) for event in heard if isinstance(event, CellEnds)], folder.cell(bench.cell.id)


class OwnEngine:
    """An engine of the test's own, to be killed and started again; ``within`` is what it is called through."""

    def __init__(
        self, path: Path, *, url: str | None = None, within: Sequence[str] = (), more: Sequence[str] = ()
    ) -> None:
        self._path, self._within, self._more = path, list(within), list(more)
        self.url = url or f"unix://{path}/engine.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        places = ["--data-root", "data", "--exec-root", "exec", "--pidfile", "pid"]
        folders = [str(self._path / word) if not word.startswith("-") else word for word in places]
        own = ["dockerd", "-H", self.url, *folders, "--bridge=none", "--iptables=false", "--ip6tables=false"]
        command = [*self._within, *own, *self._more, *(["--tls=false"] if self.url.startswith("tcp:") else [])]
        with (self._path / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        # Their numbers seem to be in use as long as nobody has asked how they ended, and then the next engine waits.
        (self._path / "pid").unlink(missing_ok=True)
        (self._path / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def end(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def client(self) -> Any:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return docker.DockerClient(base_url=self.url)
            except docker.errors.DockerException:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)


def kill_what_names(path: Path) -> None:
    """End the guards of containers that a killed engine left; its folder's name, made up for it, tells them."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if str(path).encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def unmount_below(path: Path) -> None:
    """Take away what a killed engine left mounted, the deepest first."""
    targets = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for target in sorted((each for each in targets if Path(each).is_relative_to(path)), reverse=True):
        subprocess.run(["/bin/umount", target], check=True)


def has_seen_the_kill(evidence: Mapping[str, Any]) -> bool:
    """Whether the engine, or where that says nothing (Podman) the kernel, tells of a process that had to go."""
    return bool(evidence["oom_killed"] or evidence["used"]["oom_kills"]["value"])
