"""What a data set came to, in one line: how many images of how many classes, and what was left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

_MOST_NAMES = 3


def line(facts: Mapping[str, Any]) -> str:
    """Return a line as ``151 images, 4 classes (25 to 65); left out 9: 6 .heic (a/1.heic, …), 1 duplicate (b/2.png)``.

    ``facts`` are what a record says of its data; those that an older record lacks are not told.
    """
    sizes = facts["per_class"]
    sizes_told = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"{min(sizes):,} to {max(sizes):,}"
    told = f"{facts['images']:,} images, {len(sizes)} classes ({sizes_told})"
    usable = facts.get("usable")
    if usable is not None and usable > facts["images"]:
        told += f" drawn from {usable:,}"
    kinds = list(_left_out(facts))
    if not kinds:
        return told
    return f"{told}; left out {sum(count for count, _ in kinds):,}: {', '.join(text for _, text in kinds)}"


def _left_out(facts: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield how many and of what kind, the most first."""
    by_kind: dict[str, list[str]] = {}
    for name, reason in facts.get("unreadable", []):
        by_kind.setdefault(_kind(name, reason), []).append(name)
    found = [(len(names), f"{len(names):,} {kind}{_named(names, len(names))}") for kind, names in by_kind.items()]
    copies = facts.get("duplicates", 0)
    if copies:
        plural = "" if copies == 1 else "s"
        found.append((copies, f"{copies:,} duplicate{plural}{_named(facts.get('first_duplicates', ()), copies)}"))
    doubtful = [name for group in facts.get("contradictions", []) for name in group]
    if doubtful:
        how = f"equal, of different classes{_named(doubtful, len(doubtful))}"
        found.append((len(doubtful), f"{len(doubtful):,} {how}"))
    yield from sorted(found, key=lambda each: -each[0])


def _kind(name: str, reason: str) -> str:
    if reason.startswith("not an image by its suffix"):
        return PurePosixPath(name).suffix.casefold() or "without a suffix"
    return "in no class folder" if reason == "stands in no class folder" else "unreadable"


def _named(names: Sequence[str], count: int) -> str:
    if not names:
        return ""
    shown = names[:_MOST_NAMES]
    return f" ({', '.join(shown)}{', …' if count > len(shown) else ''})"
