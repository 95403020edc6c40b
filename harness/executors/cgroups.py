"""What a container used, read from its control group while it runs: afterwards the group is gone.

Version 1 files: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html; version 2:
https://docs.kernel.org/admin-guide/cgroup-v2.html. Peaks include the page cache, which the memory limit counts too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.search_types import Reading

PROC = Path("/proc")
_GONE = Reading.unknown("the container ended before its control group was read")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerUse:
    """CPU seconds, bytes of memory at the peak, and how often the kernel killed for want of memory."""

    cpu_s: Reading
    peak_memory_bytes: Reading
    oom_kills: Reading

    @classmethod
    def unknown(cls, reason: str) -> ContainerUse:
        """Nothing could be read."""
        reading = Reading.unknown(reason)
        return cls(cpu_s=reading, peak_memory_bytes=reading, oom_kills=reading)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """A container's control groups: the folders that account for its processors and its memory."""

    version: int
    cpu: Path
    memory: Path

    @property
    def has_stopped_process(self) -> bool:
        """Whether a process of the container is stopped by a signal, SIGSTOP for example."""
        return any(map(_is_stopped, _processes(self.memory)))

    def read(self) -> ContainerUse:
        """Return what was used so far; what this kernel doesn't tell, or no longer, is unknown."""
        if self.version == 1:
            return ContainerUse(
                cpu_s=_reading(self.cpu / "cpuacct.usage", lambda text: int(text) / 1e9),
                peak_memory_bytes=_reading(self.memory / "memory.max_usage_in_bytes", float),
                oom_kills=_reading(self.memory / "memory.oom_control", lambda text: _field(text, "oom_kill")),
            )
        return ContainerUse(
            cpu_s=_reading(self.cpu / "cpu.stat", lambda text: _field(text, "usage_usec") / 1e6),
            peak_memory_bytes=_reading(self.memory / "memory.peak", float),
            oom_kills=_reading(self.memory / "memory.events", lambda text: _field(text, "oom_kill")),
        )


class Meter:
    """Reads a control group as often as it is asked to, and keeps the last whole reading."""

    def __init__(self, cgroup: Cgroup | None) -> None:
        """Begin without a reading; without a group there will be none."""
        self.cgroup = cgroup
        unseen = "this host doesn't see the container's control group"
        self.last = ContainerUse.unknown(unseen if cgroup is None else str(_GONE.reason))

    def sample(self) -> None:
        """Read once more; a group that is gone leaves what was read before."""
        if self.cgroup is None:
            return
        used = self.cgroup.read()
        if used.cpu_s.value is not None:
            self.last = used


def _processes(group: Path) -> list[str]:
    try:
        return (group / "cgroup.procs").read_text().split()
    except OSError:
        return []


def _is_stopped(pid: str) -> bool:
    try:
        # After the name, which may hold anything and ends with the last bracket.
        return (PROC / pid / "stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")
    except (OSError, IndexError):
        return False


def find(pid: int, *, proc: Path = PROC) -> Cgroup | None:
    """Return the control groups of a process; None where this host doesn't see them."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
        mounts = (proc / "self" / "mountinfo").read_text().splitlines()
    except OSError:
        return None
    paths = dict(_controllers(lines))
    version = 1 if "memory" in paths else 2
    cpu, memory = ("cpuacct", "memory") if version == 1 else ("", "")
    folders = [_folder(paths.get(name), mounts, name) for name in (cpu, memory)]
    if folders[0] is None or folders[1] is None:
        return None
    return Cgroup(version=version, cpu=folders[0], memory=folders[1])


def _controllers(lines: list[str]) -> list[tuple[str, str]]:
    """Return each controller and its path; version 2 has one path, under the empty name."""
    split = [line.split(":", 2) for line in lines]
    return [(name, path) for _, names, path in split for name in names.split(",")]


def _folder(path: str | None, mounts: list[str], controller: str) -> Path | None:
    """Return where a group's files are: the mount that shows its controller, and the way from there."""
    for line in mounts if path is not None else ():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        shows = kind == "cgroup2" if controller == "" else kind == "cgroup" and controller in options.split(",")
        root, target = before.split(" ")[3:5]
        if shows and PurePosixPath(str(path)).is_relative_to(root):
            folder = Path(target) / PurePosixPath(str(path)).relative_to(root)
            return folder if folder.is_dir() else None
    return None


def _reading(path: Path, parse: Callable[[str], float]) -> Reading:
    try:
        return Reading(value=parse(path.read_text()))
    except FileNotFoundError:
        return Reading.unknown(f"this kernel has no {path.name}")
    except (OSError, ValueError, KeyError) as error:
        return Reading.unknown(f"{path.name} can't be read: {error}")


def _field(text: str, name: str) -> float:
    return float(dict(line.split(" ", 1) for line in text.splitlines())[name])
