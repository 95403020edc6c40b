"""Searches of unlike environments within a group: refused, or said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.analysis import Group, differences, likeness_of
from harness.errors import ResultsError


def unlike(groups: Sequence[Group]) -> list[str]:
    """Return a warning for each group whose searches ran in unlike environments, with what differs."""
    return [
        f"Unlike environments within {name}: its seconds, joules and dollars are not comparable ({differs})."
        for name, differs in _unlike(groups)
    ]


def refuse_unlike(groups: Sequence[Group]) -> None:
    """Let only groups pass whose searches ran in like environments.

    Raises:
        ResultsError: A table would mix unlike ones; says what differs and the way out.
    """
    for name, differs in _unlike(groups):
        raise ResultsError(
            f"{name}: its searches ran in unlike environments ({differs}), which no table should mix; the records are "
            "kept; run the matrix into another folder (--results DIR), or mix them all the same (--mix-environments)"
        )


def _unlike(groups: Sequence[Group]) -> Iterator[tuple[str, str]]:
    """Yield the name of each group whose searches ran in unlike environments, and what differs."""
    for group in groups:
        facts = differences(list(map(likeness_of, group.searches)))
        if facts:
            yield str(group.name), _told(facts)


def _told(facts: Mapping[str, Mapping[str, int]]) -> str:
    return "; ".join(
        f"{name}: " + ", ".join(f"{value} in {count}" for value, count in values.items())
        for name, values in facts.items()
    )
