"""Containers on a real engine: what they can't do, and how their ends are told apart."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import docker
import pytest

from harness import environment
from harness.campaign.running import Runner
from harness.campaign.watching import Progress, State
from harness.cells import Cell
from harness.errors import MachineError
from harness.executors import WHOLE, Cause, Ended, Slot, engine
from harness.executors.docker import DockerExecutor
from harness.executors.limits import Limits
from harness.executors.sandbox import HOME
from harness.plans import MatrixFolder
from harness.records import CellFolder
from harness.spec import Container

pytestmark = pytest.mark.docker

REFERENCE = os.environ.get("HARNESS_TEST_IMAGE", "tuner-harness:cpu")
TINY = "tuner-harness-test/busybox:1"
MIB = 2**20
PATIENCE_S = 60.0

# The arguments of a worker: $0 program, $1 cell folder, $2 cache.
OBSERVE = """\
grep -E '^(Uid|Gid|CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
echo "interfaces: $(ls /sys/class/net | tr '\\n' ' ')"
echo "routes: $(tail -n +2 /proc/net/route | grep -c .)"
echo "init: $(cat /proc/1/comm)"
echo "home: $HOME $(touch $HOME/x && echo writable)"
echo "root: $(touch /x 2>&1 | grep -o 'Read-only file system')"
echo "cache: $(touch "$2/x" 2>&1 | grep -o 'Read-only file system')"
echo "pids: $(cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null)"
echo "memory: $(cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null)"
echo "processors: $(grep '^Cpus_allowed_list:' /proc/self/status | cut -f 2)"
echo "shm: $(df -k /dev/shm | tail -n 1 | grep -o '[0-9]\\+' | head -n 1)"
echo "tmp: $(grep ' /tmp ' /proc/mounts | cut -d ' ' -f 4)"
mkdir "$1/scratch" && echo mine > "$1/scratch/file"
"""


@pytest.fixture(scope="module")
def client(without_engine: Callable[[str], NoReturn]) -> Iterator[Any]:
    made, reason = None, ""
    try:
        made = engine.connect()
    except MachineError as error:
        reason = str(error)
    if made is None:
        without_engine(reason)
    yield made
    made.close()


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


@pytest.fixture(scope="module")
def reference(client: Any, without_engine: Callable[[str], NoReturn]) -> str:
    """The real image, or where it was not built a tiny one: the sandbox is the same."""
    try:
        client.images.get(REFERENCE)
    except docker.errors.ImageNotFound:
        return tiny(client, without_engine)
    return REFERENCE


class Bench:
    """Cells' folders, a cache, and executors whose worker is a line of shell."""

    def __init__(self, client: Any, reference: str, path: Path, cell: Cell) -> None:
        self.client, self.reference, self.path, self.cell = client, reference, path, cell
        self.cache = path / "ä cache"
        self.cache.mkdir()
        self.folder = CellFolder(path / "my matrix" / "cells" / cell.id)
        self.folder.write_cell(cell)

    def executor(self, script: str, *, deadline_s: float | None = None, **changes: Any) -> DockerExecutor:
        limits = Limits(cpus=1.0, memory_bytes=64 * MIB, pids=64, shm_bytes=8 * MIB, deadline_s=deadline_s)
        made = DockerExecutor(
            client=self.client,
            image=engine.image(self.client, self.reference),
            engine=engine.facts(self.client),
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


@pytest.fixture
def bench(client: Any, reference: str, tmp_path: Path, cell: Cell) -> Iterator[Bench]:
    made = Bench(client, reference, tmp_path, cell.model_copy(update={"source": {**cell.source, "paths": []}}))
    yield made
    made.executor("").sweep()


def observed(said: str) -> dict[str, str]:
    return {name: " ".join(value.split()) for name, _, value in (line.partition(":") for line in said.splitlines())}


def test_from_inside_there_is_no_network_no_root_no_privilege_and_one_writable_folder(bench: Bench) -> None:
    ended = bench.run(OBSERVE)

    seen = observed(bench.said)
    assert (ended.exit_code, ended.cause) == (0, None), bench.said
    uid = str(os.geteuid() or 10001)
    assert seen["Uid"] == " ".join([uid] * 4)
    assert seen["Uid"].split()[0] != "0"
    assert int(seen["CapEff"], 16) == int(seen["CapPrm"], 16) == int(seen["CapBnd"], 16) == 0
    assert seen["NoNewPrivs"] == "1"
    assert seen["interfaces"] == "lo"
    assert seen["routes"] == "0"
    assert seen["init"] in ("docker-init", "tini")
    assert seen["root"] == seen["cache"] == "Read-only file system"
    assert seen["home"] == f"{HOME} writable", bench.said
    assert seen["pids"] == "64"
    assert seen["memory"] == str(64 * MIB)
    assert seen["shm"] == "8192"
    assert seen["processors"] == environment.cpu_list(os.sched_getaffinity(0))
    assert {"noexec", "nosuid", "nodev"} <= set(seen["tmp"].split(","))


@pytest.fixture
def folder_of_root(bench: Bench) -> Iterator[Bench]:
    """The same under /root, which images close to all but root."""
    if os.geteuid() != 0:
        pytest.skip("only root has a folder under /root")
    with tempfile.TemporaryDirectory(dir="/root") as made:
        Path(made).chmod(0o755)
        yield Bench(bench.client, bench.reference, Path(made), bench.cell)


def test_roots_own_folders_are_reached_by_the_worker_who_is_not_root(folder_of_root: Bench) -> None:
    ended = folder_of_root.run('test -d "$2" && echo mine > "$1/file"')

    assert ended.exit_code == 0, folder_of_root.said
    assert (folder_of_root.folder.path / "file").stat().st_uid == 0


def test_what_was_written_is_owned_as_the_folder_is(bench: Bench) -> None:
    bench.run(OBSERVE)

    parent = bench.folder.path.parent.stat().st_uid
    assert (bench.folder.scratch / "file").read_text() == "mine\n"
    owners = {path.stat().st_uid for path in (bench.folder.path, *bench.folder.path.rglob("*"))}
    assert owners == {parent}


def test_a_preparation_fills_the_cache(bench: Bench) -> None:
    ended: Ended | None = bench.start(bench.executor('mkdir "$2/prepared"'), "prepare").wait(PATIENCE_S)

    assert ended is not None
    assert ended.exit_code == 0, bench.said
    assert (bench.cache / "prepared").is_dir()


def test_the_evidence_says_what_the_engine_enforces_and_what_was_used(bench: Bench) -> None:
    busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 0.5"

    evidence = bench.run(busy).evidence

    assert evidence["enforced"] == {
        "cpus": 1.0,
        "cpu_set": None,
        "memory_bytes": 64 * MIB,
        "memory_and_swap_bytes": 64 * MIB,
        "pids": 64,
        "shm_bytes": 8 * MIB,
        "network": "none",
        "read_only_root": True,
        "dropped_capabilities": ["ALL"],
        "security": ["no-new-privileges"],
        "user": evidence["enforced"]["user"],
    }
    assert evidence["used"]["cpu_s"]["value"] > 0.1
    assert 0 < evidence["used"]["peak_memory_bytes"]["value"] <= 64 * MIB


SIDE_BY_SIDE = """\
grep '^Cpus_allowed_list:' /proc/self/status; echo "at once: $HARNESS_AT_ONCE"
touch "$1/here"; i=0
while [ $i -lt 300 ] && [ ! -e "$1/go" ]; do i=$((i+1)); sleep 0.1; done
"""


def test_workers_side_by_side_are_held_to_their_own_processors_and_share_of_the_memory(bench: Bench) -> None:
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) == 1:
        pytest.skip("one processor is not to be divided")
    halves = [Slot(cpus=(cpu,), at_once=2) for cpu in cpus[:2]]
    executor = bench.executor(SIDE_BY_SIDE)
    executor.limits = Limits.declared(Container(), cpus=len(cpus), memory_bytes=executor.engine["memory_bytes"])
    folders = [bench.folder, CellFolder(bench.folder.path.with_name("other"))]
    folders[1].write_cell(folders[0].cell())

    workers = [
        executor.start("search", folder.path, cache=bench.cache, log=folder.log, slot=slot)
        for folder, slot in zip(folders, halves, strict=True)
    ]

    until = time.monotonic() + PATIENCE_S
    while not all((folder.path / "here").exists() for folder in folders) and time.monotonic() < until:
        assert [worker.wait(0.1) for worker in workers] == [None, None]
    for folder in folders:
        (folder.path / "go").touch()
    for folder, slot, worker in zip(folders, halves, workers, strict=True):
        ended = worker.wait(PATIENCE_S)
        assert ended is not None
        assert observed(folder.log.read_text()) == {"Cpus_allowed_list": str(slot.cpu_set), "at once": "2"}
        enforced = ended.evidence["enforced"]
        assert (enforced["cpu_set"], enforced["cpus"]) == (slot.cpu_set, 1.0)
        assert enforced["memory_bytes"] < executor.engine["memory_bytes"] / 2


def test_one_of_two_workers_that_is_killed_leaves_the_other_at_work(bench: Bench) -> None:
    executor = bench.executor("sleep 60")
    other = CellFolder(bench.folder.path.with_name("other"))
    other.write_cell(bench.folder.cell())
    first = bench.start(executor)
    second = executor.start("search", other.path, cache=bench.cache, log=other.log, slot=WHOLE)

    first.container.kill()

    assert first.wait(PATIENCE_S).cause is Cause.KILLED
    assert second.wait(0.2) is None
    assert second.stop().signal == "SIGTERM"
    assert bench.containers() == []


def test_a_worker_over_its_memory_limit_is_out_of_memory(bench: Bench) -> None:
    ended = bench.run("exec tail /dev/zero")

    assert (ended.exit_code, ended.signal, ended.cause) == (None, "SIGKILL", Cause.OUT_OF_MEMORY)
    assert ended.evidence["oom_killed"] is True
    assert bench.containers() == []


def test_a_worker_whose_child_alone_was_killed_is_not(bench: Bench) -> None:
    ended = bench.run("tail /dev/zero; exit 3")

    assert (ended.exit_code, ended.cause) == (3, None)


def test_processes_are_limited(bench: Bench) -> None:
    ended = bench.run("i=0; while [ $i -lt 100 ]; do sleep 5 & i=$((i+1)); done; echo all")

    assert ended.exit_code != 0
    assert "all" not in bench.said.splitlines()


@pytest.mark.parametrize("script", ["sleep 60", "trap '' TERM; sleep 60 & wait; sleep 60"])
def test_a_worker_over_its_deadline_is_ended(bench: Bench, script: str) -> None:
    ended = bench.run(script, deadline_s=0.5)

    assert ended.cause is Cause.DEADLINE
    assert 0.5 < ended.wall_s < 15
    assert bench.containers() == []


def test_a_huge_output_is_kept_to_its_size(bench: Bench) -> None:
    bench.run("echo first; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo last")

    said = bench.said
    assert said.startswith("first\n")
    assert said.endswith("last\n")
    assert "bytes left out]" in said
    assert len(said) < 1.1 * MIB


def test_leftovers_are_swept(bench: Bench) -> None:
    executor = bench.executor("sleep 60")
    bench.start(executor)
    assert len(bench.containers()) == 1

    executor.sweep()

    assert bench.containers() == []


def test_an_interrupted_worker_is_gone(bench: Bench) -> None:
    running = bench.start(bench.executor("sleep 60"))
    assert running.wait(0.2) is None

    ended = running.stop()

    assert (ended.signal, ended.cause) == ("SIGTERM", None)
    assert bench.containers() == []


class Silent:
    """A watcher who remembers how cells ended."""

    def __init__(self) -> None:
        self.ends: list[tuple[State, str | None]] = []

    def begins(self, *, total: int, finished: int) -> None: ...
    def prepares(self, cell: Cell) -> None: ...
    def cell_begins(self, cell: Cell) -> None: ...
    def cell_advances(self, cell: Cell, progress: Progress) -> None: ...

    def cell_ends(self, cell: Cell, state: State, *, reason: str | None, best_f1: float | None, wall_s: float) -> None:
        assert cell.id
        assert best_f1 is None
        assert wall_s > 0
        self.ends.append((state, reason))


# A preparation ends well; a search hangs the first time, and the second time leaves an outcome.
SECOND_TIME = """\
if [ "$0" = prepare ] || ! mkdir "$1/once" 2>/dev/null
then echo '{"status": "failed", "reason": "second time"}' > "$1/outcome.json"; [ "$0" = search ] || \
  echo '{"status": "completed"}' > "$1/outcome.json"
else sleep 60
fi
"""


def campaign(bench: Bench, executor: DockerExecutor) -> tuple[Silent, list[dict[str, Any]]]:
    watcher = Silent()
    folder = MatrixFolder(bench.path / "my matrix")
    Runner(folder=folder, executor=executor, cache=bench.cache, watcher=watcher).run([bench.cell], retry_failed=False)
    return watcher, folder.cell(bench.cell.id).attempts()


@contextlib.contextmanager
def meanwhile(act: Any) -> Iterator[None]:
    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


def kill_the_search(bench: Bench) -> None:
    until = time.monotonic() + PATIENCE_S
    while not (bench.folder.path / "once").exists() and time.monotonic() < until:
        time.sleep(0.02)
    bench.containers()[0].kill(signal=signal.SIGKILL)


def test_a_container_that_is_killed_is_tried_once_more(bench: Bench) -> None:
    with meanwhile(lambda: kill_the_search(bench)):
        watcher, attempts = campaign(bench, bench.executor(SECOND_TIME))

    first, second = attempts
    assert (first["cause"], first["signal"]) == ("killed from outside", "SIGKILL")
    assert second["cause"] is None
    assert watcher.ends == [(State.FAILED, "second time")]


def test_an_image_that_is_not_there_leaves_cells_missing_with_the_way_out(bench: Bench) -> None:
    executor = bench.executor(SECOND_TIME)
    (bench.cache / "prepared").mkdir()
    missing = engine.Image(reference="gone:1", id="sha256:" + "0" * 64, repo_digests=(), code=None)
    executor.image = missing

    running = bench.start(executor)

    ended = running.wait(1.0)
    assert ended is not None
    assert ended.cause is Cause.IMAGE_MISSING
    assert ended.detail.endswith("build it: harness images build")
    with pytest.raises(MachineError, match=r"^image gone:1: the engine has none of this name"):
        engine.image(bench.client, "gone:1")


def test_an_image_of_other_sources_is_refused(bench: Bench) -> None:
    with pytest.raises(MachineError, match=r"harness images build$"):
        engine.current(engine.image(bench.client, bench.reference), code="0" * 64)


def test_data_that_vanished_is_refused_and_no_folder_is_made_for_it(bench: Bench) -> None:
    vanished = bench.path / "vanished"
    source = {**bench.cell.source, "paths": [str(vanished)]}
    bench.folder.write_cell(bench.cell.model_copy(update={"source": source}))

    ended = bench.run("true")

    assert ended.cause is Cause.ENGINE_REFUSED
    assert str(vanished) in str(ended.detail)
    assert not vanished.exists()


def has_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None


@pytest.mark.skipif(has_gpu(), reason="this machine has a GPU driver")
def test_a_gpu_that_is_not_there_is_told_in_one_line(bench: Bench) -> None:
    with pytest.raises(
        MachineError, match=r"^the engine can give no GPU; install the NVIDIA container toolkit"
    ) as told:
        bench.executor("true", gpu="0").try_gpu("0")

    assert "\n" not in str(told.value)
    assert bench.containers() == []


def test_more_than_the_engine_has_is_refused_as_the_users_mistake(bench: Bench) -> None:
    facts = engine.facts(bench.client)

    limits = Limits.declared(Container(), cpus=facts["cpus"], memory_bytes=facts["memory_bytes"])

    assert limits.cpus == facts["cpus"] <= (os.cpu_count() or 0)
    assert 0 < limits.memory_bytes < facts["memory_bytes"]


class OwnEngine:
    """An engine of the test's own, to be killed and started again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = f"unix://{path}/engine.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        places = ["--data-root", "data", "--exec-root", "exec", "--pidfile", "pid"]
        folders = [str(self._path / word) if not word.startswith("-") else word for word in places]
        command = ["dockerd", "-H", self.url, *folders, "--bridge=none", "--iptables=false", "--ip6tables=false"]
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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the SDK's, where nobody answers
def test_an_engine_killed_in_the_middle_and_started_again_costs_one_attempt(
    own_engine: OwnEngine, without_engine: Callable[[str], NoReturn], tmp_path: Path, cell: Cell
) -> None:
    client = own_engine.client()
    changed = cell.model_copy(update={"source": {**cell.source, "paths": []}})
    bench = Bench(client, tiny(client, without_engine), tmp_path, changed)

    def kill_and_start_again() -> None:
        until = time.monotonic() + PATIENCE_S
        while not (bench.folder.path / "once").exists() and time.monotonic() < until:
            time.sleep(0.02)
        own_engine.kill()
        time.sleep(1.0)
        own_engine.start()

    with meanwhile(kill_and_start_again):
        watcher, attempts = campaign(bench, bench.executor(SECOND_TIME))

    first, second = attempts
    assert first["cause"] == "engine gone"
    assert second["cause"] is None
    assert watcher.ends == [(State.FAILED, "second time")]
    assert bench.containers() == []
    client.close()
    gc.collect()
