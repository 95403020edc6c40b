"""Containers on a real engine: what they can't do, and what is seen of them from outside."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import APIError

from harness import environment
from harness.errors import MachineError
from harness.executors import WHOLE, Cause, Ended, Slot, engine_connection
from harness.executors.container_resource_limits import ContainerLimits
from harness.executors.sandbox import HOME
from harness.matrix_schema import Container
from harness.records import CellFolder
from tests.executors.real_engine import MIB, PATIENCE_S, Bench, has_seen_the_kill

pytestmark = pytest.mark.docker

# The arguments of a worker: $0 program, $1 cell folder, $2 cache.
OBSERVE = """\
grep -E '^(Uid|Gid|CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
echo "interfaces: $(ls /sys/class/net | tr '\\n' ' ')"
echo "routes: $(tail -n +2 /proc/net/route | grep -c .)"
echo "init: $(cat /proc/1/comm)"
echo "home: $HOME $(touch $HOME/x && echo writable)"
echo "root: $(touch /x 2>&1 | grep -o 'Read-only file system')"
echo "cache: $(touch "$2/x" 2>&1 | grep -o 'Read-only file system')"
echo "data: $(touch "${1%/my matrix/*}/data/x" 2>&1 | grep -o 'Read-only file system')"
echo "cells: $(ls "${1%/*}")"
echo "cpus: $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null)"
echo "swap: $(cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes /sys/fs/cgroup/memory.swap.max 2>/dev/null)"
echo "pids: $(cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null)"
echo "memory: $(cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null)"
echo "processors: $(grep '^Cpus_allowed_list:' /proc/self/status | cut -f 2)"
echo "shm: $(df -k /dev/shm | tail -n 1 | grep -o '[0-9]\\+' | head -n 1)"
echo "tmp: $(grep ' /tmp ' /proc/mounts | cut -d ' ' -f 4)"
mkdir "$1/scratch" && echo mine > "$1/scratch/file"
"""


def observed(said: str) -> dict[str, str]:
    return {name: " ".join(value.split()) for name, _, value in (line.partition(":") for line in said.splitlines())}


def test_from_inside_there_is_no_network_no_root_no_privilege_and_one_writable_folder(bench: Bench) -> None:
    data, other = bench.path / "data", bench.folder.path.with_name("another cell")
    data.mkdir()
    other.mkdir()
    bench.folder.write_cell(bench.cell.model_copy(update={"source": bench.cell.source.changed(paths=[str(data)])}))

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
    assert seen["init"] in ("docker-init", "podman-init", "tini")
    assert seen["root"] == seen["cache"] == seen["data"] == "Read-only file system"
    assert seen["cells"] == bench.folder.path.name
    assert seen["Seccomp"] == "2"
    assert seen["cpus"].split()[0] == "100000"
    # Nothing beyond the memory; kernels that don't count swap tell nothing.
    assert seen["swap"] in (str(64 * MIB), "0", "")
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
    if engine_connection.facts(bench.client)["name"] == engine_connection.PODMAN:
        pytest.skip("Podman keeps it closed, which tests/executors/test_podman.py looks at")
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
    dropped = evidence["enforced"].pop("dropped_capabilities")

    # Podman lists each by its name.
    assert dropped == ["ALL"] or {"CHOWN", "NET_RAW", "SETUID"} <= set(dropped)
    assert evidence["enforced"] == {
        "cpus": 1.0,
        "cpu_set": None,
        "memory_bytes": 64 * MIB,
        "memory_and_swap_bytes": 64 * MIB,
        "pids": 64,
        "shm_bytes": 8 * MIB,
        "network": "none",
        "read_only_root": True,
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
    executor.limits = ContainerLimits.declared(
        Container(), cpus=len(cpus), memory_bytes=executor.engine["memory_bytes"]
    )
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
    assert has_seen_the_kill(ended.evidence)
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


def test_an_image_that_is_not_there_is_refused_with_the_way_out(bench: Bench) -> None:
    with pytest.raises(MachineError, match=r"^image gone:1: the engine has none of this name.*images build$"):
        engine_connection.image(bench.client, "gone:1")


def test_an_image_of_other_sources_is_refused(bench: Bench) -> None:
    with pytest.raises(MachineError, match=r"harness images build$"):
        engine_connection.current(engine_connection.image(bench.client, bench.reference), code="0" * 64)


def test_data_that_vanished_is_refused_and_no_folder_is_made_for_it(bench: Bench) -> None:
    vanished = bench.path / "vanished"
    source = bench.cell.source.changed(paths=[str(vanished)])
    bench.folder.write_cell(bench.cell.model_copy(update={"source": source}))

    ended = bench.run("true")

    assert ended.cause is Cause.ENGINE_REFUSED
    assert str(vanished) in str(ended.detail)
    assert not vanished.exists()


def has_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None


@pytest.mark.skipif(has_gpu(), reason="this machine has a GPU driver")
def test_a_gpu_that_is_not_there_is_told_in_one_line(bench: Bench) -> None:
    refusal = r"^(the engine can give no GPU; install the NVIDIA container toolkit|Podman gives no GPU)"
    with pytest.raises(MachineError, match=refusal) as told:
        bench.executor("true").try_gpus([Slot(gpu="0")])

    assert "\n" not in str(told.value)
    assert bench.containers() == []


def test_more_than_the_engine_has_is_refused_as_the_users_mistake(bench: Bench) -> None:
    facts = engine_connection.facts(bench.client)

    limits = ContainerLimits.declared(Container(), cpus=facts["cpus"], memory_bytes=facts["memory_bytes"])

    assert limits.cpus == facts["cpus"] <= (os.cpu_count() or 0)
    assert 0 < limits.memory_bytes < facts["memory_bytes"]


def test_an_image_that_a_run_holds_is_not_removed_by_whoever_clears_up(bench: Bench) -> None:
    recipe = io.BytesIO(f"FROM {bench.reference}\nLABEL held=yes\n".encode())
    image, _ = bench.client.images.build(fileobj=recipe, rm=True)
    executor = bench.executor("true", image=engine_connection.image(bench.client, image.id))

    executor.hold()

    (holding,) = bench.containers()
    assert holding.status == "created"
    with pytest.raises(APIError, match=r"is being used by|is in use"):
        bench.client.images.remove(executor.image.id)

    executor.sweep()
    assert bench.containers() == []
    assert not list((bench.path / "my matrix").glob(".seen-*"))
    bench.client.images.remove(executor.image.id)
