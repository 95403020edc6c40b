"""The machines and packages that results hold for, told in one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from harness.analysis.reading import Search

_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "keras-tuner", "optuna")
_BYTES_PER_GIB = 2**30


def environments(searches: Iterable[Search]) -> list[tuple[str, int]]:
    """Return each distinct environment of the searches that have a record, with how many have it, in their order."""
    found = [search.environment for search in searches if search.record is not None]
    # Thousands of searches share a few objects, each of which is put into words once.
    texts = {key: summary(environment) for key, environment in {id(each): each for each in found}.items()}
    return list(Counter(texts[id(each)] for each in found).items())


def summary(environment: Mapping[str, Any]) -> str:
    """Return device, processor, cores, memory, system, settings and package versions; what is unknown is left out."""
    machine = [*_machine(environment), *_settings(environment)]
    versions = [f"{name} {version}" for name, version in _versions(environment.get("packages"))]
    parts = [", ".join(part) for part in (machine, versions) if part]
    return "; ".join(parts) or "unknown"


def _machine(environment: Mapping[str, Any]) -> list[str]:
    facts = [_labelled("device ", environment.get("device")), _known(environment.get("cpu_model"))]
    cpus, memory_bytes = environment.get("logical_cpus"), environment.get("memory_bytes")
    if cpus is not None:
        facts.append(f"{cpus} logical CPUs")
    if isinstance(memory_bytes, (int, float)):
        facts.append(f"{memory_bytes / _BYTES_PER_GIB:.1f} GiB memory")
    facts += [_known(environment.get("platform")), _labelled("Python ", environment.get("python"))]
    return [fact for fact in facts if fact]


def _settings(environment: Mapping[str, Any]) -> list[str]:
    facts = [_known(environment.get("precision"))]
    for name, meaning in (("determinism", "deterministic operations"), ("jit", "XLA")):
        if isinstance(environment.get(name), bool):
            facts.append(meaning if environment[name] else f"no {meaning}")
    return [fact for fact in facts if fact]


def _versions(packages: Any) -> list[tuple[str, str]]:
    if not isinstance(packages, dict):
        return []
    known = {str(name).lower().replace("_", "-"): str(version) for name, version in packages.items()}
    return [(name, known[name]) for name in _PACKAGES if name in known]


def _labelled(label: str, value: Any) -> str:
    return f"{label}{value}" if value else ""


def _known(value: Any) -> str:
    return str(value) if value else ""
