"""Images that belong together: of one site, one burst, one animal. Standard library only."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness import errors
from harness.datasets.class_names import says_nothing
from harness.datasets.csv_reader import composed, listed, place_of, read_csv
from harness.datasets.part_aliases import Part


def groups_of(names: Sequence[str], *, by: str, table: Path | None) -> tuple[str, ...]:
    """Return the group of each image.

    Args:
        names: Each image's path below the data set's folder.
        by: A regular expression, whose first group, or else the whole match, names an image's group where it is found
            in its path; with ``table`` a column of it.
        table: A CSV file in UTF-8 with a head. An image's row is the one that holds its path, or its file name where
            no other image has the same; which column holds these is found by what stands in it.

    Raises:
        DatasetError: An image has no group or two, or the table can't be read or lacks the column.
    """
    found = _by_path(names, by) if table is None else _by_table(names, by, table)
    lost = [name for name, group in zip(names, found, strict=True) if not group]
    if lost:
        why = "it doesn't match their paths" if table is None else f"{table} has no row or no entry for them"
        raise errors.DatasetError(
            f"group_by = {by!r}: {len(lost):,} of {len(names):,} images have no group: {why}, such as "
            f"{listed(lost)}; every image needs one"
        )
    return tuple(group for group in found if group is not None)


def refuse_divided(
    names: Sequence[str], parts: Sequence[Part], groups: Sequence[str], *, told_by: str = "group_by"
) -> None:
    """Check that the parts that a data set gives hold whole groups; ``told_by`` is what gives these, for messages.

    Raises:
        DatasetError: Images of one group lie in several of them.
    """
    first_in: dict[str, dict[Part, str]] = defaultdict(dict)
    for name, part, group in zip(names, parts, groups, strict=True):
        first_in[group].setdefault(part, name)
    divided = {group: sides for group, sides in first_in.items() if len(sides) > 1}
    if divided:
        group, sides = next(iter(divided.items()))
        more = f" (and {len(divided) - 1:,} more)" if len(divided) > 1 else ""
        raise errors.DatasetError(
            f"{told_by}: group {group!r} stands in several parts{more}: {listed(list(sides.values()))}; move its "
            f"images into one part, or leave {told_by} out"
        )


def _by_path(names: Iterable[str], pattern: str) -> list[str | None]:
    matches = map(re.compile(composed(pattern)).search, names)
    return [None if match is None else match[1 if match.re.groups else 0] for match in matches]


def _by_table(names: Sequence[str], column: str, table: Path) -> list[str | None]:
    head, rows = read_csv(table, key="groups")
    place = place_of(column, head, table, key="group_by")
    entries = _naming_column(names, rows, table)
    held: dict[str, set[str]] = defaultdict(set)
    for entry, row in zip(entries, rows, strict=True):
        held[entry].add(row[place])
    alike = Counter(_file(name) for name in names)
    return [_held(name, held, alike, table) for name in names]


def _held(name: str, held: Mapping[str, set[str]], alike: Mapping[str, int], table: Path) -> str | None:
    entry = name if name in held else _file(name)
    if entry not in held:
        return None
    if entry != name and alike[entry] > 1:
        raise errors.DatasetError(
            f"groups: {table}: {entry!r} is the file name of {alike[entry]} images, such as {name!r}; give paths below "
            f"the data set's folder"
        )
    if len(held[entry]) > 1:
        raise errors.DatasetError(
            f"groups: {table}: {entry!r} has several groups: {listed(sorted(held[entry]))}; give it one"
        )
    (group,) = held[entry]
    return None if says_nothing(group) else group


def _naming_column(names: Sequence[str], rows: Sequence[Sequence[str]], table: Path) -> list[str]:
    """Return the column that names the most images, its entries spelt as ``names`` are."""
    columns = [[entry.replace("\\", "/").removeprefix("./") for entry in column] for column in zip(*rows, strict=True)]
    named = [_named(names, set(column)) for column in columns]
    if not any(named):
        raise errors.DatasetError(
            f"groups: {table}: no column holds the images' paths below the data set's folder, or their file names, "
            f"such as {names[0]!r}; add one"
        )
    return columns[named.index(max(named))]


def _named(names: Iterable[str], entries: set[str]) -> int:
    return sum(name in entries or _file(name) in entries for name in names)


def _file(name: str) -> str:
    return name.rpartition("/")[2]
