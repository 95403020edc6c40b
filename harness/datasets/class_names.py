"""What a label may be called, wherever it is read: it says something, and no other looks the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
# As pandas and numpy spell what is missing. "None" and "NA" are left alone: they are classes of many.
_NOTHING = frozenset({"", "nan", "<na>"})


def says_nothing(entry: str) -> bool:
    """Whether an entry is empty, or spells a missing one, as ``nan``."""
    return entry.strip().casefold() in _NOTHING


def twins(labels: Iterable[str]) -> tuple[str, str] | None:
    """Return two labels that may be one, written in two ways (capitals, spaces, 1 and 1.0), if there are such."""
    seen: dict[str | Decimal, str] = {}
    for label in sorted(labels):
        twin = seen.setdefault(_folded(label), label)
        if twin != label:
            return twin, label
    return None


def of_twins(one: str, other: str) -> str:
    """Return what is wrong with two such labels, and the way out."""
    return (
        f"labels {one!r} and {other!r} differ in their spelling alone: are they one class? Spell one alike, and call "
        f"two by other names"
    )


def _folded(label: str) -> str | Decimal:
    return Decimal(label) if _NUMBER.fullmatch(label) else " ".join(label.casefold().split())
