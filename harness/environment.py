"""Facts about where a search runs, and the hashes that must agree for two searches to be comparable."""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from importlib import metadata
from itertools import groupby
from pathlib import Path

from harness import code_identity, files

_PACKAGE = Path(__file__).parent
_GIT_PATIENCE_S = 5.0

# Set in a container by whoever starts it: the hash of what its image pins, which says more than packages do.
IMAGE = "HARNESS_IMAGE_CONTENT"
# Set by an executor whose workers are to train on a GPU.
NEEDS_GPU = "HARNESS_NEEDS_GPU"
# Set for a worker by whoever starts it: how many cells the run has at work at once.
AT_ONCE = "HARNESS_AT_ONCE"

# Set for a worker that was forked from a process which had imported everything: ``warm``.
START = "HARNESS_START"

# Set for a local worker by whoever starts it: the hash of the sources that its cells were planned with.
SOURCES = "HARNESS_SOURCES"

# What a search imports; the lock hash covers these and all that they need.
_IMPORTED = (
    "tensorflow", "tensorflow-cpu", "keras", "keras-tuner", "optuna", "cmaes", "torch", "numpy", "scikit-learn",
    "pillow", "pillow-heif",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What must agree for two searches to be comparable: hashes of the environment and of the harness's sources."""

    environment: str
    code: str


def identity() -> Identity:
    """Return what this process is: its image's content, or its packages where it runs in none, and its sources."""
    return Identity(environment=content(), code=code_hash())


def content() -> str:
    """Return the hash of what this process runs in: its image's content, or its packages where it runs in none."""
    return os.environ.get(IMAGE) or lock_hash()


def needs_gpu() -> bool:
    """Return whether whoever started this process wants it to train on a GPU."""
    return os.environ.get(NEEDS_GPU) == "1"


@functools.cache
def packages() -> dict[str, str]:
    """Return the version of every installed package that a search may import, by normalised name."""
    return _with_needs(_IMPORTED)


def packages_beside(found: str, names: Collection[str]) -> dict[str, str] | None:
    """Return the versions of ``names`` and all that they need beside ``packages``; None where there are no names.

    ``found`` is the hash of an environment; None where it isn't this process's packages', as an image's covers all.
    """
    if not names or found != lock_hash():
        return None
    return {name: version for name, version in _with_needs(names).items() if name not in packages()}


def _with_needs(names: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in found:
            continue
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = installed.version
        pending += [_required(line) for line in installed.requires or () if "extra ==" not in line]
    return dict(sorted(found.items()))


@functools.cache
def lock_hash() -> str:
    """Return the SHA-256 over the interpreter's version and ``packages``."""
    return files.digest({"python": platform.python_version(), "packages": packages()})


@functools.cache
def code_hash() -> str:
    """Return the SHA-256 over the harness's sources that any search runs through, without comments and docstrings."""
    return code_identity.of_any_cell()


def code_hash_of(package: Path) -> str:
    """Return the same of another copy of the harness's package."""
    return code_identity.of_any_cell(package)


@functools.cache
def sources_hash() -> str:
    """Return the SHA-256 over all of the harness's sources to the byte, as they were at the first call."""
    return code_identity.as_they_are()


def has_expected_sources() -> bool:
    """Whether this process has the sources that whoever started it had; true where that wasn't told.

    A container isn't told: its image can't change, and was looked at before.
    """
    return expected_sources() == sources_hash()


def expected_sources() -> str:
    """Return the hash of the sources that whoever started this process had; its own where that wasn't told."""
    return os.environ.get(SOURCES) or sources_hash()


@functools.cache
def provenance() -> dict[str, object]:
    """Return evidence of which sources these are: hash to the byte, version, and git's commit where there is one.

    ``is_altered`` says whether files differ from the commit; None, like ``commit``, outside a git checkout.
    """
    commit = _git("rev-parse", "HEAD")
    changed = None if commit is None else _git("status", "--porcelain", "--untracked-files=no")
    return {
        "hash": sources_hash(),
        "version": _version(),
        "commit": commit,
        "is_altered": None if changed is None else bool(changed),
    }


def _version() -> str | None:
    try:
        return metadata.version("tuner-harness")
    except metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    root = _PACKAGE.parent
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 - whichever git there is
            capture_output=True,
            text=True,
            timeout=_GIT_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def facts() -> dict[str, object]:
    """Return what a record says of the machine and its software; the worker adds the device."""
    installed = packages()
    return {
        **machine_facts(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: installed[name] for name in _IMPORTED if name in installed},
        "lock_hash": lock_hash(),
    }


def machine_facts() -> dict[str, object]:
    """Return those of the machine alone, which are the same in a container on it."""
    return {
        "cpu_model": cpu_model(),
        "logical_cpus": logical_cpus(),
        "cpu_set": cpu_set(),
        "at_once": at_once(),
        "memory_bytes": memory_bytes() if hasattr(os, "sysconf") else None,
        "kernel": platform.release(),
    }


def start() -> str:
    """Return how this process began: ``warm``, forked with everything imported, or ``fresh``."""
    return os.environ.get(START, "fresh")


def at_once() -> int:
    """Return how many cells the run has under way at a time, this process's among them."""
    return int(os.environ.get(AT_ONCE, "1"))


def cpu_model() -> str:
    """Return the processor's name as the kernel gives it."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return named.group(1).strip() if named else platform.machine()


def logical_cpus() -> int:
    """Return how many processors this process may run on."""
    return len(cpus())


def cpus() -> Collection[int]:
    """Return the numbers of the processors that this process may run on."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def cpu_set() -> str | None:
    """Return which processors this process may run on, as ``cpu_list``; None where the system doesn't tell."""
    return cpu_list(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def cpu_list(cpus: Collection[int]) -> str:
    """Return numbers as the kernel writes them: ``0-3,8``."""
    counted = enumerate(sorted(cpus))
    runs = [[cpu for _, cpu in run] for _, run in groupby(counted, key=lambda each: each[1] - each[0])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def memory_bytes() -> int:
    """Return the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _required(requirement: str) -> str:
    """Return the normalised name at the start of a requirement such as ``Foo_Bar[x]>=1; python_version<'4'``."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", name.group(0)).lower() if name else ""
