"""The machine and its Python packages."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from harness import environment, meters
from harness.catalogue.tuners import KNOWN
from harness.cli.doctor.finding import GIB, Finding, disk

LEAST_DISK_GIB = 5
_LEAST_MEMORY_GIB = 4


def examine(cache: Path) -> Iterator[Finding]:
    """Yield what is found of memory, disk, packages, tuners and the processor's energy counter."""
    yield _memory()
    remedy = f"downloads and activations take up to {LEAST_DISK_GIB} GiB; free some, or choose --cache elsewhere"
    yield disk(cache, what="disk", least_gib=LEAST_DISK_GIB, remedy=remedy)
    yield from _libraries()
    yield from _tuners()
    yield _energy()


def _memory() -> Finding:
    gib = environment.memory_bytes() / GIB
    found = f"{gib:.1f} GiB, {environment.logical_cpus()} × {environment.cpu_model()}"
    if gib >= _LEAST_MEMORY_GIB:
        return Finding(what="memory and processors", state="good", found=found)
    remedy = f"training needs about {_LEAST_MEMORY_GIB} GiB; close other programs or use a larger machine"
    return Finding(what="memory and processors", state="unfit", found=found, remedy=remedy)


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
    energy = meters.of_processor()
    if energy.counter is not None:
        return Finding(what="CPU energy", state="good", found="RAPL counter")
    remedy = "joules of CPU searches stay unknown; on a machine of your own, make energy_uj readable or run as root"
    return Finding(what="CPU energy", state="unknown", found=str(energy.reason), remedy=remedy)
