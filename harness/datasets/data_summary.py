"""What a data set came to, in one line: how many images of how many classes, and what was left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from harness.datasets.image_folders import WITHOUT_HEIC
from harness.record_schema import DataTable

_MOST_NAMES = 3
_MOST_CLASSES = 8
_LONGEST = 40
_PARTS = ("train", "validation", "test")


def line(facts: DataTable, alike: Sequence[DataTable] = ()) -> str:
    """Return a line as ``151 images, 4 classes (25 to 65); left out 9: 6 .cr2 (a/1.cr2, …), 1 duplicate (b/2.png)``.

    ``facts`` are what a record says of its data; those that an older record lacks are not told. ``alike`` are those of
    the same images shared out by other seeds: parts of whole groups are not quite alike.
    """
    sizes = facts.per_class
    sizes_told = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"{min(sizes):,} to {max(sizes):,}"
    images = sum(sizes) if facts.images is None else facts.images
    told = f"{images:,} images, {len(sizes)} classes ({sizes_told})"
    if facts.usable is not None and facts.usable > images:
        told += f" drawn from {facts.usable:,}"
    if facts.groups is not None:
        told += _grouped(facts, alike)
    kinds = list(_left_out(facts))
    if kinds:
        told += f"; left out {sum(count for count, _ in kinds):,}: {', '.join(text for _, text in kinds)}"
    return told + _look_alikes([facts, *alike])


def classes(facts: DataTable) -> str:
    """Return the names of the classes, the first of many; nothing where an older record lacks them."""
    names = facts.classes
    more = "" if len(names) <= _MOST_CLASSES else f" and {len(names) - _MOST_CLASSES:,} more"
    shown = (name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names[:_MOST_CLASSES])
    return f"; classes: {', '.join(shown)}{more}" if names else ""


def _grouped(facts: DataTable, alike: Sequence[DataTable]) -> str:
    told = f", {facts.groups:,} groups"
    known = [shares for each in (facts, *alike) if (shares := _shares(each))]
    if not known:
        return told
    ranges = [f"{part} {_range([shares[part] for shares in known])} %" for part in _PARTS]
    seed = _seed(facts, alike)
    return f"{told}, each whole in one part{seed}: {', '.join(ranges)}"


def _shares(facts: DataTable) -> Mapping[str, float]:
    """Return the percentage of each part; nothing where one is unknown."""
    images, parts = facts.images, facts.parts
    return {part: 100 * size / images for part, size in parts.items()} if images and len(parts) == len(_PARTS) else {}


def _look_alikes(facts: Sequence[DataTable]) -> str:
    known = [each for each in facts if each.look_alikes is not None and {"validation", "test"} <= each.parts.keys()]
    named = next((each.first_look_alikes for each in known if each.first_look_alikes), None)
    if named is None:
        return ""
    counts = [each.look_alikes for each in known if each.look_alikes is not None]
    among = [each.parts["validation"] + each.parts["test"] for each in known]
    seed = _seed(facts[0], facts[1:])
    pairs = _named([f"{name} like {other}" for name, other in named], max(counts))
    told = (
        f"; {_range(counts)} of {_range(among)} validation and test images{seed} look like one of another part{pairs}"
    )
    # Only the images of a folder have paths; others can't be grouped.
    can_be_grouped = known[0].groups is None and "/" in named[0][0]
    return f"{told}: group_by keeps such together" if can_be_grouped else told


def _seed(facts: DataTable, alike: Sequence[DataTable]) -> str:
    return "" if alike or facts.seed is None else f" (seed {facts.seed})"


def _range(numbers: Sequence[float]) -> str:
    low, high = f"{min(numbers):,.0f}", f"{max(numbers):,.0f}"
    return low if low == high else f"{low} to {high}"


def _left_out(facts: DataTable) -> Iterator[tuple[int, str]]:
    """Yield how many and of what kind, the most first."""
    by_kind: dict[str, list[str]] = {}
    for name, reason in facts.unreadable:
        by_kind.setdefault(_kind(name, reason), []).append(name)
    found = [(len(names), f"{len(names):,} {kind}{_named(names, len(names))}") for kind, names in by_kind.items()]
    copies = facts.duplicates
    if copies:
        plural = "" if copies == 1 else "s"
        found.append((copies, f"{copies:,} duplicate{plural}{_named(facts.first_duplicates, copies)}"))
    doubtful = [name for group in facts.contradictions for name in group]
    if doubtful:
        how = f"equal, of different classes{_named(doubtful, len(doubtful))}"
        found.append((len(doubtful), f"{len(doubtful):,} {how}"))
    yield from sorted(found, key=lambda each: -each[0])


def _kind(name: str, reason: str) -> str:
    suffix = PurePosixPath(name).suffix.casefold()
    if reason == WITHOUT_HEIC:
        return f"{suffix} without the extra heic"
    if reason.startswith("not an image by its suffix"):
        return suffix or "without a suffix"
    return "in no class folder" if reason == "stands in no class folder" else "unreadable"


def _named(names: Sequence[str], count: int) -> str:
    if not names:
        return ""
    shown = names[:_MOST_NAMES]
    return f" ({', '.join(shown)}{', …' if count > len(shown) else ''})"
