"""Facts that must agree before two runs may be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness import files
from harness.analysis import SearchResult, likeness_of
from harness.cells import used

_MOST_SHOWN = 3
_UNKNOWN = "not recorded"

# Where images and weights lie is no matter; what is in them is.
_NOT_ASKED = {"dataset": ("path",), "protocol": ("learning_rate_factors",)}


def facts(search: SearchResult) -> dict[str, str]:
    """Return what must agree for a search to be compared with another, by name: what was asked, and where it ran.

    Beside what makes environments alike within a table, these are the executor and the image, and the packages by
    name, which say more than their hash.
    """
    record = search.record
    ran = {"executor": "local", **likeness_of(search)}
    if record is not None and record.evidence.container is not None:
        ran |= {"executor": "docker", "image": str(record.cell.environment)}
    packages = search.environment.packages
    if packages is not None:
        ran["packages"] = ", ".join(f"{name} {packages[name]}" for name in sorted(packages))
    return {**asked(search), **ran}


def unlike(searches: Iterable[tuple[SearchResult, SearchResult]]) -> list[str]:
    """Return one line for each fact that differs within pairs: what was asked for first, then where it ran."""
    differing: dict[str, Counter[tuple[str, str]]] = {}
    for baseline, candidate in searches:
        ours, theirs = facts(baseline), facts(candidate)
        for fact in dict.fromkeys([*ours, *theirs]):
            two = ours.get(fact, _UNKNOWN), theirs.get(fact, _UNKNOWN)
            if two[0] != two[1]:
                differing.setdefault(fact, Counter())[two] += 1
    return [_line(fact, counted) for fact, counted in differing.items()]


def asked(search: SearchResult) -> dict[str, str]:
    """Return what the recorded cell asked for under its names, each part as text."""
    parts = {}
    for name in ("dataset", "backbone", "tuner", "budget", "protocol"):
        told = search.asked.section(name)
        section = {key: value for key, value in told.items() if key not in _NOT_ASKED.get(name, ())}
        said = used(section) if name == "protocol" else section
        parts[name] = files.canonical_json(said).decode()
    # The order of the hyperparameters counts: tuners draw in it.
    parts["hyperparameters"] = files.canonical_json(list(search.asked.section("domains").items())).decode()
    parts["images"] = str(search.asked.section("source").get("content_hash"))
    parts["weights"] = str(search.asked.section("weights").get("sha256"))
    return parts


def _line(fact: str, counted: Counter[tuple[str, str]]) -> str:
    shown = "; ".join(f"{ours} → {theirs} ({count})" for (ours, theirs), count in counted.most_common(_MOST_SHOWN))
    more = len(counted) - _MOST_SHOWN
    return f"{fact}: {shown}{f'; and {more} more' if more > 0 else ''}"
