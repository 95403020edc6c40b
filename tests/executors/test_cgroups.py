from __future__ import annotations

from pathlib import Path

import pytest

from harness.executors import cgroups
from harness.executors.cgroups import Cgroup, Meter

PID = 4711
CPU_V1 = "30 25 0:27 / {root}/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct"
MEMORY_V1 = "31 25 0:28 / {root}/memory rw,nosuid - cgroup cgroup rw,memory"
UNIFIED = "35 25 0:30 {of} {root}/unified rw - cgroup2 cgroup2 rw"


class Host:
    """A fake /proc and /sys of a host with one container's groups."""

    def __init__(self, path: Path) -> None:
        self.proc, self.sys = path / "proc", path / "sys"

    def says(self, cgroup: str, *mounts: str, of: str = "/") -> None:
        (self.proc / "self").mkdir(parents=True)
        (self.proc / str(PID)).mkdir()
        (self.proc / str(PID) / "cgroup").write_text(cgroup)
        lines = [mount.format(root=self.sys, of=of) for mount in ("20 1 8:1 / / rw - ext4 /dev/sda1 rw", *mounts)]
        (self.proc / "self" / "mountinfo").write_text("\n".join(lines))

    def has(self, folder: str, **files: str) -> Path:
        path = self.sys / folder
        path.mkdir(parents=True)
        for name, text in files.items():
            (path / name.replace("__", ".")).write_text(text)
        return path

    def find(self) -> Cgroup | None:
        return cgroups.find(PID, proc=self.proc)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def version_1(host: Host) -> Path:
    host.says("5:memory:/docker/c0\n4:cpu,cpuacct:/docker/c0\n1:name=systemd:/x\n0::/\n", CPU_V1, MEMORY_V1, UNIFIED)
    host.has("cpu,cpuacct/docker/c0", cpuacct__usage="2500000000\n")
    control = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
    return host.has("memory/docker/c0", memory__max_usage_in_bytes="1048576\n", memory__oom_control=control)


def version_2(host: Host) -> Path:
    host.says("0::/system.slice/docker-c0.scope\n", UNIFIED)
    return host.has(
        "unified/system.slice/docker-c0.scope",
        cpu__stat="usage_usec 1500000\nuser_usec 1\n",
        memory__peak="4096\n",
        memory__events="low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n",
    )


def values(cgroup: Cgroup | None) -> tuple[float | None, ...]:
    assert cgroup is not None
    used = cgroup.read()
    return used.cpu_s.value, used.peak_memory_bytes.value, used.oom_kills.value


def test_version_1_is_read(host: Host) -> None:
    version_1(host)

    assert values(host.find()) == (2.5, 1048576, 2)


def test_version_2_is_read(host: Host) -> None:
    version_2(host)

    assert values(host.find()) == (1.5, 4096, 1)


def test_a_group_is_found_from_inside_a_container_that_sees_a_part_of_the_tree(host: Host) -> None:
    host.says("0::/outer/inner/c0\n", UNIFIED, of="/outer")
    host.has("unified/inner/c0", cpu__stat="usage_usec 7\n")

    assert values(host.find())[0] == pytest.approx(7e-6)


@pytest.mark.parametrize("cgroup", ["0::/elsewhere/c0\n", "0::/../c0\n", "7:pids:/docker/c0\n", ""])
def test_a_group_that_this_host_does_not_see_is_none(host: Host, cgroup: str) -> None:
    host.says(cgroup, UNIFIED, of="/outer")

    assert host.find() is None


def test_a_process_that_is_gone_has_no_group(host: Host) -> None:
    assert host.find() is None


def test_what_an_old_kernel_does_not_tell_is_unknown_and_never_0(host: Host) -> None:
    (version_2(host) / "memory.peak").unlink()

    found = host.find()

    assert found is not None
    reading = found.read().peak_memory_bytes
    assert (reading.value, reading.reason) == (None, "this kernel has no memory.peak")


@pytest.mark.parametrize("text", ["", "much\n"])
def test_nonsense_is_unknown_with_a_reason(host: Host, text: str) -> None:
    (version_1(host) / "memory.oom_control").write_text(text)

    found = host.find()

    assert found is not None
    reading = found.read().oom_kills
    assert reading.value is None
    assert reading.reason is not None
    assert "memory.oom_control" in reading.reason


def test_a_meter_keeps_the_last_reading_of_a_group_that_is_gone(host: Host) -> None:
    folder = version_2(host)
    meter = Meter(host.find())
    assert meter.last.cpu_s.value is None
    meter.sample()
    for path in folder.iterdir():
        path.unlink()

    meter.sample()

    assert meter.last.cpu_s.value == 1.5


def test_a_meter_without_a_group_says_why() -> None:
    meter = Meter(None)

    meter.sample()

    assert meter.last.peak_memory_bytes.reason == "this host doesn't see the container's control group"


@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="no control groups on this system")
def test_this_process_is_found_or_not_without_an_error() -> None:
    found = cgroups.find(1)

    assert found is None or found.read().cpu_s.value is None or found.read().cpu_s.value > 0  # type: ignore[operator] # not None there
