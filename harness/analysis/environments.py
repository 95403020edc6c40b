"""The machines and packages that results hold for: told in one line each, and which facts of them must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.analysis.reading import SearchResult

_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "keras-tuner", "optuna")
_BYTES_PER_GIB = 2**30
# What another of makes seconds, joules or F1s another machine's. The kernel is not among them: it changes with every
# security update, and is named beneath the tables.
_MUST_AGREE = (
    *("device", "driver", "cpu_model", "logical_cpus", "at_once", "python", "lock_hash"),
    *("precision", "determinism", "jit"),
)


def environments(searches: Iterable[SearchResult]) -> list[tuple[str, int]]:
    """Return each distinct environment of the searches that have a record, with how many have it, in their order."""
    found = [search.environment for search in searches if search.record is not None]
    # Thousands of searches share a few objects, each of which is put into words once.
    texts = {key: summary(environment) for key, environment in {id(each): each for each in found}.items()}
    return list(Counter(texts[id(each)] for each in found).items())


def likeness(environment: Mapping[str, Any], *, enforced: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the facts that must agree for two searches to be compared, by name, as text; unknown ones are left out.

    ``enforced`` holds the limits of the container, if the search ran in one.
    """
    limits = enforced or {}
    facts = {
        **{name: environment.get(name) for name in _MUST_AGREE},
        "memory": _gib(environment.get("memory_bytes")),
        "container's CPUs": limits.get("cpus"),
        "container's memory": _gib(limits.get("memory_bytes")),
    }
    return {name: str(fact) for name, fact in facts.items() if fact is not None}


def likeness_of(search: SearchResult) -> dict[str, str]:
    """Return the same of a search; empty without a record."""
    if search.record is None:
        return {}
    enforced = search.record.evidence.get("enforced")
    return likeness(search.environment, enforced=enforced if isinstance(enforced, dict) else None)


def differences(facts: Sequence[Mapping[str, str]]) -> dict[str, dict[str, int]]:
    """Return each fact of which there is more than one value, with how often each of them was found."""
    names = dict.fromkeys(name for one in facts for name in one)
    counted = {name: Counter(one[name] for one in facts if name in one) for name in names}
    return {name: dict(values) for name, values in counted.items() if len(values) > 1}


def summary(environment: Mapping[str, Any]) -> str:
    """Return device, processor, cores, memory, system, settings and package versions; what is unknown is left out."""
    machine = [*_machine(environment), *_settings(environment)]
    versions = [f"{name} {version}" for name, version in _versions(environment.get("packages"))]
    parts = [", ".join(part) for part in (machine, versions) if part]
    return "; ".join(parts) or "unknown"


def _machine(environment: Mapping[str, Any]) -> list[str]:
    driver = _labelled("NVIDIA driver ", environment.get("driver"))
    facts = [_labelled("device ", environment.get("device")), driver, _known(environment.get("cpu_model"))]
    cpus, memory_bytes = environment.get("logical_cpus"), environment.get("memory_bytes")
    if cpus is not None:
        facts.append(f"{cpus} logical CPUs")
    if (memory := _gib(memory_bytes)) is not None:
        facts.append(f"{memory} memory")
    facts += [_known(environment.get("platform")), _labelled("Python ", environment.get("python"))]
    return [fact for fact in facts if fact]


def _gib(size_bytes: Any) -> str | None:
    return f"{size_bytes / _BYTES_PER_GIB:.1f} GiB" if isinstance(size_bytes, (int, float)) else None


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
