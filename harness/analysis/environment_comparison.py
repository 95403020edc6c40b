"""The machines and packages that results hold for: told in one line each, and which facts of them must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.analysis.results_reading import SearchResult
from harness.record_schema import EnvironmentTable, LimitsTable

_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "keras-tuner", "optuna")
_BYTES_PER_GIB = 2**30
# What another of makes seconds, joules or scores another machine's. The kernel is not among them: it changes with every
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


def likeness(environment: EnvironmentTable, *, enforced: LimitsTable | None = None) -> dict[str, str]:
    """Return the facts that must agree for two searches to be compared, by name, as text; unknown ones are left out.

    ``enforced`` holds the limits of the container, if the search ran in one.
    """
    limits = enforced or LimitsTable()
    facts = {
        **{name: getattr(environment, name) for name in _MUST_AGREE},
        "memory": _gib(environment.memory_bytes),
        "container's CPUs": limits.cpus,
        "container's memory": _gib(limits.memory_bytes),
    }
    return {name: str(fact) for name, fact in facts.items() if fact is not None}


def likeness_of(search: SearchResult) -> dict[str, str]:
    """Return the same of a search; empty without a record."""
    return {} if search.record is None else likeness(search.environment, enforced=search.record.evidence.enforced)


def differences(facts: Sequence[Mapping[str, str]]) -> dict[str, dict[str, int]]:
    """Return each fact of which there is more than one value, with how often each of them was found."""
    names = dict.fromkeys(name for one in facts for name in one)
    counted = {name: Counter(one[name] for one in facts if name in one) for name in names}
    return {name: dict(values) for name, values in counted.items() if len(values) > 1}


def summary(environment: EnvironmentTable) -> str:
    """Return device, processor, cores, memory, system, settings and package versions; what is unknown is left out."""
    machine = [*_machine(environment), *_settings(environment)]
    versions = [f"{name} {version}" for name, version in _versions(environment.packages or {})]
    parts = [", ".join(part) for part in (machine, versions) if part]
    return "; ".join(parts) or "unknown"


def _machine(environment: EnvironmentTable) -> list[str]:
    facts = [
        _labelled("device ", environment.device),
        _labelled("NVIDIA driver ", environment.driver),
        environment.cpu_model,
    ]
    if environment.logical_cpus is not None:
        facts.append(f"{environment.logical_cpus} logical CPUs")
    if (memory := _gib(environment.memory_bytes)) is not None:
        facts.append(f"{memory} memory")
    facts += [environment.platform, _labelled("Python ", environment.python)]
    return [fact for fact in facts if fact]


def _gib(size_bytes: float | None) -> str | None:
    return None if size_bytes is None else f"{size_bytes / _BYTES_PER_GIB:.1f} GiB"


def _settings(environment: EnvironmentTable) -> list[str]:
    facts = [environment.precision]
    for is_on, meaning in ((environment.determinism, "deterministic operations"), (environment.jit, "XLA")):
        if is_on is not None:
            facts.append(meaning if is_on else f"no {meaning}")
    return [fact for fact in facts if fact]


def _versions(packages: Mapping[str, str | None]) -> list[tuple[str, str]]:
    known = {name.lower().replace("_", "-"): str(version) for name, version in packages.items()}
    return [(name, known[name]) for name in _PACKAGES if name in known]


def _labelled(label: str, value: str | None) -> str:
    return f"{label}{value}" if value else ""
