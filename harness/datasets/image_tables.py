"""Tables of images: a CSV, TSV or Parquet file with a row for each, its path, its class, and its part and group if any.

Read on the host alone, where a list of images is made of it (``listing``).
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import errors, matrix_schema
from harness.datasets import class_names, image_groups
from harness.datasets.class_names import says_nothing
from harness.datasets.csv_reader import MOST_COLUMNS, composed, listed, place_of
from harness.datasets.image_folders import SUFFIXES, ImageFile, Layout, is_image
from harness.datasets.part_aliases import Part, part_named, settled
from harness.datasets.table_files import Table, read

_FEWEST_CLASSES = 2
_MOST_NAMED = 3

USUAL: Mapping[str, tuple[str, ...]] = {
    "image": (
        *("path", "file", "filename", "filepath", "image", "imagepath", "imagefile", "imagename", "img", "imgpath"),
        *("imgfile", "imgname", "picture", "photo"),
    ),
    "label": ("label", "labels", "class", "classname", "category", "species", "target"),
    "part": ("part", "split", "subset", "partition"),
    "group": ("group",),
}
"""What people call the columns, without capitals, spaces and punctuation; where a table has several, the first."""

_WANTED = {"image": "images' paths", "label": "labels"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRow:
    """What is said of an image: all texts, part and group empty where no column says them."""

    image: str
    label: str
    part: str
    group: str

    @property
    def told(self) -> tuple[str, str, str]:
        """All but its path."""
        return self.label, self.part, self.group


def layout_of(path: Path, columns: matrix_schema.Columns | None, *, has_groups: bool = True) -> Layout:
    """Return the images that a table names.

    Paths are relative to the table's folder, or absolute. Images are called by their paths below that folder; if any
    lies elsewhere, by those below the deepest folder that holds them all.

    Args:
        path: A CSV or TSV file (see ``tabular``), or a Parquet file.
        columns: What its columns are called; those that aren't said are known by their usual names.
        has_groups: Whether a column may name groups.

    Raises:
        DatasetError: The table can't be read, lacks a column or an entry, names what is no file, or contradicts itself.
    """
    table = read(path)
    found = chosen(table.head, columns, path)
    if not has_groups:
        found.pop("group", None)
    rows = _rows(table, found)
    for what in ("part", "group"):
        # One that nobody asked for and that says nothing.
        if getattr(columns, what, None) is None and all(says_nothing(getattr(row, what)) for row in rows):
            found.pop(what, None)
    _refuse_empty(table, rows, found)
    return _layout(table, _placed(table, rows), found)


def chosen(head: Sequence[str], columns: matrix_schema.Columns | None, path: Path) -> dict[str, int]:
    """Return where the columns stand that say image, label, part and group, by that; the last two may be missing.

    Raises:
        DatasetError: One that is named, or needed, is not there.
    """
    named = {} if columns is None else columns.model_dump(exclude_none=True)
    found = {what: place_of(name, head, path, key=f"columns.{what}") for what, name in named.items()}
    for what, names in USUAL.items():
        place = None if what in found else _usual(head, names, path, what)
        if place is not None and place not in found.values():
            found.setdefault(what, place)
    for what, wanted in _WANTED.items():
        if what not in found:
            raise errors.DatasetError(
                f"path: {path}: no column is called as one of {wanted} usually is; say which it is, as columns = "
                f'{{ {what} = "…" }}: it has {listed(head, most=MOST_COLUMNS)}'
            )
    return found


def _usual(head: Sequence[str], names: Sequence[str], path: Path, what: str) -> int | None:
    folded = [re.sub(r"[\W_]", "", name.casefold()) for name in head]
    usual = next((name for name in names if name in folded), None)
    if usual is None:
        return None
    if folded.count(usual) > 1:
        alike = [name for name, each in zip(head, folded, strict=True) if each == usual]
        raise errors.DatasetError(
            f"path: {path}: columns {listed(alike)} may all be meant; rename them, or say which as columns = "
            f'{{ {what} = "…" }}'
        )
    return folded.index(usual)


def _rows(table: Table, found: Mapping[str, int]) -> list[ImageRow]:
    images, labels = (table.column(found[what]) for what in _WANTED)
    none = [""] * len(images)
    parts, groups = (table.column(found[what]) if what in found else none for what in ("part", "group"))
    return [
        ImageRow(image=image.replace("\\", "/"), label=label, part=part, group=group)
        for image, label, part, group in zip(images, labels, parts, groups, strict=True)
    ]


def _refuse_empty(table: Table, rows: Sequence[ImageRow], found: Mapping[str, int]) -> None:
    for what, place in found.items():
        lacking = [number for number, row in enumerate(rows, start=1) if says_nothing(getattr(row, what))]
        if lacking:
            shown = ", ".join(_shown(number, rows[number - 1]) for number in lacking[:_MOST_NAMED])
            spelt = any(getattr(rows[number - 1], what) for number in lacking)
            empty, otherwise = (
                ("no entry, or nan", ", or call what is named so otherwise") if spelt else ("no entry", "")
            )
            raise table.refuse(
                f"column {table.head[place]!r}: {len(lacking):,} of {len(rows):,} rows have {empty}, such as {shown}; "
                f"give each one, or take these rows out{otherwise}"
            )


def _shown(number: int, row: ImageRow) -> str:
    return f"row {number:,} ({row.image!r})" if row.image else f"row {number:,}"


def _placed(table: Table, rows: Iterable[ImageRow]) -> dict[Path, ImageRow]:
    """Return by its place on the disk what is said of each file; the folders of a place are no links."""
    folder, real = table.path.parent, cache(_real)
    found: dict[Path, ImageRow] = {}
    wrong: dict[str, list[str]] = {}
    divided: list[tuple[ImageRow, ImageRow]] = []
    for row in rows:
        place, trouble = _place_of(row.image, folder, real)
        if trouble is not None:
            wrong.setdefault(trouble, []).append(row.image)
        earlier = found.setdefault(place, row)
        if earlier.told != row.told:
            divided.append((earlier, row))
    _refuse_wrong(table, wrong, len(found))
    _refuse_contradictions(table, divided)
    return found


def _real(place: Path) -> Path:
    try:
        # Path.resolve has errors of its own where links lead in a circle.
        return Path(os.path.realpath(place))
    except ValueError:  # a null byte in it: nothing is there
        return place


def _place_of(image: str, folder: Path, real: Callable[[Path], Path]) -> tuple[Path, str | None]:
    """Return where a table's path leads, and what is wrong with that; None: a file is there."""
    # A disk may keep "é" as two characters, where names are kept as one.
    spelt = [folder / each for each in dict.fromkeys((image, unicodedata.normalize("NFD", image)))]
    places = [real(each.parent) / each.name for each in spelt]
    troubles = [_trouble(place) for place in places]
    best = troubles.index(None) if None in troubles else 0
    return places[best], troubles[best]


def _trouble(place: Path) -> str | None:
    try:
        mode = place.stat().st_mode
    except (OSError, ValueError):
        return "not there"
    if stat.S_ISREG(mode):
        return None
    return "folders" if stat.S_ISDIR(mode) else "no plain files"


def _refuse_wrong(table: Table, wrong: Mapping[str, Sequence[str]], count: int) -> None:
    for trouble, images in wrong.items():
        names = list(dict.fromkeys(images))
        way_out = f"correct the paths, of which relative ones begin at {table.path.parent}, or take these rows out"
        if any(re.match("[A-Za-z]:/", name) for name in names):
            way_out = "paths of Windows lead nowhere here: give paths below the table's folder"
        raise table.refuse(f"{len(names):,} of {count:,} images are {trouble}, such as {listed(names)}; {way_out}")


def _refuse_contradictions(table: Table, divided: Sequence[tuple[ImageRow, ImageRow]]) -> None:
    if divided:
        one, other = divided[0]
        what = next(key for key in ("label", "part", "group") if getattr(one, key) != getattr(other, key))
        more = f" (and {len(divided) - 1:,} more such rows)" if len(divided) > 1 else ""
        raise table.refuse(
            f"{one.image!r} stands in several rows{more}, with {what} {getattr(one, what)!r} and "
            f"{getattr(other, what)!r}; keep the right one"
        )


def _layout(table: Table, placed: Mapping[Path, ImageRow], found: Mapping[str, int]) -> Layout:
    names = _names(table, placed)
    images = sorted((place for place in placed if is_image(place)), key=lambda place: (names[place], place))
    if not images:
        some = listed([row.image for row in placed.values()])
        raise table.refuse(f"names no image ({', '.join(sorted(SUFFIXES))}) but {some}; name image files")
    rows = [placed[place] for place in images]
    parts = _parts(table, rows, found)
    _check_classes(table, rows, parts)
    made = Layout(
        files=tuple(
            # A container sees what a link leads to, and not the link.
            ImageFile(path=_real(place) if place.is_symlink() else place, name=names[place], label=row.label, part=part)
            for place, row, part in zip(images, rows, parts, strict=True)
        ),
        skipped=tuple(sorted(name for place, name in names.items() if not is_image(place))),
        groups=tuple(row.group for row in rows) if "group" in found else None,
        is_listed=True,
    )
    if made.groups is not None:
        told_by = f"column {table.head[found['group']]!r}"
        image_groups.refuse_divided([file.name for file in made.files], parts, made.groups, told_by=told_by)
    if made.folder == Path(made.folder.anchor):
        some = f"{made.files[0].path} and {made.files[-1].path}"
        raise table.refuse(f"its images have no folder in common, such as {some}; put them into one")
    return made


def _names(table: Table, places: Iterable[Path]) -> dict[Path, str]:
    """Return what each file is called: nothing of where the data lie on this machine, if that can be."""
    folder = _real(table.path.parent)
    if not all(place.is_relative_to(folder) for place in places):
        folder = Path(os.path.commonpath({place.parent for place in places}))
    return {place: composed(place.relative_to(folder).as_posix()) for place in places}


def _parts(table: Table, rows: Sequence[ImageRow], found: Mapping[str, int]) -> list[Part]:
    if "part" not in found:
        return [Part.FREE] * len(rows)
    column = f"column {table.head[found['part']]!r}"
    said = {row.part: part_named(row.part) for row in rows}
    unknown = [entry for entry, part in said.items() if part is None]
    if unknown:
        raise table.refuse(
            f"{column}: no part is called {listed(unknown)}; write train, validation or test, or call the column "
            f"something else"
        )
    given = {entry: part for entry, part in said.items() if part is not None}
    if Part.TRAIN not in given.values():
        raise table.refuse(f"{column}: no row is of train, but of {listed(list(given))}; give it some")
    settles = {entry: settled(part, given.values()) for entry, part in given.items()}
    return [settles[row.part] for row in rows]


def _check_classes(table: Table, rows: Sequence[ImageRow], parts: Sequence[Part]) -> None:
    classes = sorted({row.label for row in rows})
    if len(classes) < _FEWEST_CLASSES:
        raise table.refuse(f"holds one class only, {classes[0]!r}; two or more are needed")
    twins = class_names.twins(classes)
    if twins is not None:
        raise table.refuse(class_names.of_twins(*twins))
    held = Counter(label for label, _ in {(row.label, part) for row, part in zip(rows, parts, strict=True)})
    lacking = [label for label in classes if held[label] < len(set(parts))]
    if lacking:
        raise table.refuse(f"class {lacking[0]!r} is not in all of its parts; every part needs every class")
