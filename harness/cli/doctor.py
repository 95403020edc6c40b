"""``harness doctor``: what this machine can and can't do, and the remedy."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table

from harness import environment, meters
from harness.catalogue.tuners import KNOWN
from harness.cli import printing

_GIB = 2**30
_LEAST_DISK_GIB = 5
_LEAST_MEMORY_GIB = 4
_IMPORT_TIMEOUT_S = 120
_LIST_GPUS = "import tensorflow as tf; print(tf.__version__, len(tf.config.list_physical_devices('GPU')))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at; ``remedy`` says what to do where ``state`` is not ``good``."""

    what: str
    state: Literal["good", "missing", "unknown"]
    found: str
    remedy: str | None = None


def show(*, cache: Path, as_json: bool) -> None:
    """Print every finding."""
    findings = list(examine(cache))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))  # noqa: T201 - the edge prints
        return
    table = Table(box=SIMPLE_HEAD)
    for column in ("what", "state", "found", "remedy"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(finding.what, finding.state, finding.found, finding.remedy or "")
    printing.console().print(table)


def examine(cache: Path) -> Iterator[Finding]:
    """Yield what is found, the cheap checks first."""
    yield _memory()
    yield _disk(cache)
    yield from _libraries()
    yield from _tuners()
    yield _energy()
    yield _driver()
    yield _tensorflow()


def _memory() -> Finding:
    gib = environment.memory_bytes() / _GIB
    found = f"{gib:.1f} GiB, {environment.logical_cpus()} × {environment.cpu_model()}"
    if gib >= _LEAST_MEMORY_GIB:
        return Finding(what="memory and processors", state="good", found=found)
    remedy = f"training needs about {_LEAST_MEMORY_GIB} GiB; close other programs or use a larger machine"
    return Finding(what="memory and processors", state="missing", found=found, remedy=remedy)


def _disk(cache: Path) -> Finding:
    existing = next(path for path in (cache.absolute(), *cache.absolute().parents) if path.exists())
    free_gib = shutil.disk_usage(existing).free / _GIB
    found = f"{free_gib:.0f} GiB free for {cache}"
    if free_gib >= _LEAST_DISK_GIB:
        return Finding(what="disk", state="good", found=found)
    remedy = f"downloads and activations take up to {_LEAST_DISK_GIB} GiB; free some, or choose --cache elsewhere"
    return Finding(what="disk", state="missing", found=found, remedy=remedy)


def _libraries() -> Iterator[Finding]:
    for module, package in (("keras", "keras"), ("keras_tuner", "keras-tuner"), ("optuna", "optuna")):
        version = environment.packages().get(package)
        if version is not None and find_spec(module) is not None:
            yield Finding(what=package, state="good", found=version)
        else:
            remedy = "make setup, or pip install 'tuner-harness[cpu]'"
            yield Finding(what=package, state="missing", found="not installed", remedy=remedy)


def _tuners() -> Iterator[Finding]:
    missing = {"optuna-gp"} if find_spec("torch") is None else set()
    yield Finding(what="tuners", state="good", found=", ".join(name for name in KNOWN if name not in missing))
    for name in sorted(missing):
        remedy = "pip install 'tuner-harness[gp]'"
        yield Finding(what=f"tuner {name}", state="missing", found="needs torch", remedy=remedy)


def _energy() -> Finding:
    counter, reading = meters.find_energy_counter()
    if counter is not None:
        return Finding(what="CPU energy", state="good", found="RAPL counter")
    remedy = "energy columns stay empty; on a machine of your own, make energy_uj readable or run as root"
    return Finding(what="CPU energy", state="unknown", found=str(reading.reason), remedy=remedy)


def _driver() -> Finding:
    command = shutil.which("nvidia-smi")
    if command is None:
        remedy = "none is needed for CPU runs; for GPU runs install NVIDIA's driver, 525 or newer"
        return Finding(what="NVIDIA driver", state="missing", found="no nvidia-smi", remedy=remedy)
    query = [command, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    asked = _ask(query)
    if asked is not None and asked.returncode == 0:
        return Finding(what="NVIDIA driver", state="good", found=asked.stdout.strip().replace("\n", "; "))
    found = (asked.stdout.strip() if asked is not None else "") or "no answer"
    return Finding(what="NVIDIA driver", state="missing", found=found, remedy="reinstall the driver")


def _tensorflow() -> Finding:
    """Ask TensorFlow in a process of its own: the host part never imports it."""
    asked = _ask([sys.executable, "-c", _LIST_GPUS])
    if asked is None or asked.returncode != 0:
        last = [] if asked is None else asked.stderr.strip().splitlines()[-1:]
        remedy = "make setup, or pip install 'tuner-harness[cpu]'"
        return Finding(what="TensorFlow", state="missing", found=last[0] if last else "no answer", remedy=remedy)
    version, gpus = asked.stdout.split()[-2:]
    if gpus != "0":
        return Finding(what="TensorFlow", state="good", found=f"{version}, sees {gpus} GPUs")
    remedy = "searches run on the CPU; with a GPU: pip install 'tuner-harness[gpu]'"
    return Finding(what="TensorFlow", state="good", found=f"{version}, sees no GPU", remedy=remedy)


def _ask(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Return what a command answers; None where it never does, as nvidia-smi with a broken driver."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_IMPORT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return None
