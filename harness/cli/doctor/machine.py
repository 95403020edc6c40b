"""The machine and its Python packages."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from harness import environment, meters
from harness.catalogue.tuners import KNOWN
from harness.cli.doctor.findings import GIB, Finding, disk
from harness.placement import required_libraries

LEAST_DISK_GIB = 5
_LEAST_MEMORY_GIB = 4


def examine(cache: Path) -> Iterator[Finding]:
    """Yield what is found of memory, disk, packages, what they suffice for, and the processor's energy counter."""
    yield _memory() if hasattr(os, "fork") else _windows()
    way = "free some (harness cache prune), or choose --cache elsewhere"
    remedy = f"downloads and activations take up to {LEAST_DISK_GIB} GiB; {way}"
    yield disk(cache, what="disk", least_gib=LEAST_DISK_GIB, remedy=remedy)
    yield from _libraries()
    yield from _imports()
    yield from _tuners()
    yield _energy()


def _windows() -> Finding:
    found = f"{platform.system()}, where searches don't run"
    remedy = "run them on Linux (WSL 2 will do); plan, tables, compare and the page work here"
    return Finding(what="system", state="unfit", found=found, remedy=remedy)


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
        if version is not None and required_libraries.is_installed(module):
            yield Finding(what=package, state="good", found=version)
        else:
            yield Finding(what=package, state="missing", found="not installed", remedy=required_libraries.remedy())


def _imports() -> Iterator[Finding]:
    remedies = {"training": required_libraries.remedy(), "reports": required_libraries.REPORTS_REMEDY}
    for what, modules in (("training", required_libraries.TRAINING), ("reports", required_libraries.REPORTS)):
        lacking = required_libraries.lacking(modules)
        if lacking:
            found = f"lacks {required_libraries.listed(lacking)}"
            yield Finding(what=what, state="missing", found=found, remedy=remedies[what])
        else:
            yield Finding(what=what, state="good", found=f"has {required_libraries.listed(modules)}")


def _tuners() -> Iterator[Finding]:
    if required_libraries.lacking(required_libraries.TRAINING):
        found = "none can run, as training lacks libraries"
        yield Finding(what="tuners", state="missing", found=found, remedy=required_libraries.remedy())
        return
    lacking = {name: required_libraries.lacking(required_libraries.needed(name)) for name in KNOWN}
    good = [name for name, modules in lacking.items() if not modules]
    yield Finding(what="tuners", state="good", found=", ".join(good))
    for name, modules in lacking.items():
        if modules:
            needs = f"needs {required_libraries.listed(modules)}"
            yield Finding(what=f"tuner {name}", state="missing", found=needs, remedy=required_libraries.remedy(name))


def _energy() -> Finding:
    energy = meters.of_processor()
    if energy.counter is not None:
        return Finding(what="CPU energy", state="good", found="RAPL counter")
    remedy = "joules of CPU searches stay unknown; on a machine of your own, make energy_uj readable or run as root"
    return Finding(what="CPU energy", state="unknown", found=str(energy.reason), remedy=remedy)
