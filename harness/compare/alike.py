"""Facts that must agree before two runs may be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from harness import files
from harness.analysis import Search

_GIB = 2**30
_MOST_SHOWN = 3

# Where images and weights lie is no matter; what is in them is.
_NOT_ASKED = {"dataset": ("path",), "protocol": ("learning_rate_factors",)}


def likeness(environment: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the facts that must agree for seconds and memory to be comparable, each as text; unknown is ``unknown``.

    The operating system's own version is none of them: it changes with every security update.
    """
    memory_bytes = environment.get("memory_bytes")
    known = {
        "device": environment.get("device"),
        "device count": environment.get("device_count"),
        "driver": environment.get("driver"),
        "executor": environment.get("executor"),
        "image": environment.get("image"),
        "CPU model": environment.get("cpu_model"),
        "logical CPUs": environment.get("logical_cpus"),
        "memory": f"{memory_bytes / _GIB:.0f} GiB" if isinstance(memory_bytes, (int, float)) else None,
        "Python": environment.get("python"),
        "packages": _packages(environment.get("packages")),
        "precision": environment.get("precision"),
        "determinism": environment.get("determinism"),
        "XLA": environment.get("jit"),
    }
    return {fact: "unknown" if value is None else str(value) for fact, value in known.items()}


def unlike(searches: Iterable[tuple[Search, Search]]) -> list[str]:
    """Return one line for each fact that differs within pairs: what was asked for first, then where it ran."""
    differing: dict[str, Counter[tuple[str, str]]] = {}
    for baseline, candidate in searches:
        ours, theirs = _facts(baseline), _facts(candidate)
        for fact in ours:
            if ours[fact] != theirs[fact]:
                differing.setdefault(fact, Counter())[ours[fact], theirs[fact]] += 1
    return [_line(fact, counted) for fact, counted in differing.items()]


def _facts(search: Search) -> dict[str, str]:
    return {**asked(search), **likeness(search.environment)}


def asked(search: Search) -> dict[str, str]:
    """Return what the recorded cell asked for under its names, each part as text."""
    parts = {}
    for name in ("dataset", "backbone", "tuner", "budget", "protocol"):
        section = {key: value for key, value in search.section(name).items() if key not in _NOT_ASKED.get(name, ())}
        parts[name] = files.canonical_json(section).decode()
    # The order of the hyperparameters counts: tuners draw in it.
    parts["hyperparameters"] = files.canonical_json(list(search.section("domains").items())).decode()
    parts["images"] = str(search.section("source").get("content_hash"))
    parts["weights"] = str(search.section("weights").get("sha256"))
    return parts


def _packages(packages: Any) -> str | None:
    if not isinstance(packages, dict):
        return None
    return ", ".join(f"{name} {packages[name]}" for name in sorted(packages))


def _line(fact: str, counted: Counter[tuple[str, str]]) -> str:
    shown = "; ".join(f"{ours} → {theirs} ({count})" for (ours, theirs), count in counted.most_common(_MOST_SHOWN))
    more = len(counted) - _MOST_SHOWN
    return f"{fact}: {shown}{f'; and {more} more' if more > 0 else ''}"
