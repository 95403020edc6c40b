"""Pictures that a library keeps many to a file, unpacked into the cache: a file each, and a list of them.

Read on the host alone; a worker reads files and list, and needs none of what read the library's files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from harness import errors, files, whole
from harness.datasets import grouping, listing
from harness.datasets.layout import SUFFIXES, File, Layout
from harness.datasets.parts import Part, part_named, settled
from harness.datasets.tabular import listed, tidy

# History of how pictures are unpacked: a new number leaves what lies in the cache behind.
_FORMAT = 1
_IN_A_FOLDER = 1_000
_FEWEST_CLASSES = 2
# How libraries number what has no class, as in test sets of competitions.
_UNLABELLED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture: the bytes of its file, empty where there is none, and what is said of it.

    ``file_name`` is what its file was called, if that is known.
    """

    data: bytes
    label: str
    group: str | None = None
    file_name: str | None = None


class Packed(Protocol):
    """A data set in files that a library wrote."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def splits(self) -> Mapping[str, Sequence[Path]]:
        """The files of each split, in their order."""
        ...

    @property
    def told(self) -> Sequence[object]:
        """What besides the files says what the pictures are, in JSON's terms."""
        ...

    def pictures(self, file: Path, split: str) -> Iterator[Picture]:
        """Yield the pictures of a file, one in memory at a time.

        Raises:
            DatasetError: It is broken, or a picture has no label.
        """
        ...


def unpacked(packed: Packed, *, cache: Path) -> Path:
    """Return the list of a data set's pictures, which lie beside it; written at the first call.

    Raises:
        DatasetError: The files are broken, a picture has no label, or the splits are no parts of a data set.
    """
    parts = _parts(packed)
    held = [[split, parts[split], [_sha256_of(packed, file) for file in packed.splits[split]]] for split in parts]
    key = files.digest([_FORMAT, packed.told, held])
    return whole.folder((cache / "datasets" / key).absolute(), partial(_unpack, packed, parts)) / listing.NAME


def text_of(value: str | int | bytes | None, names: Sequence[str] | None, *, column: str, place: str) -> str:
    """Return a label or group as text; ``names`` are what the classes 0, 1, … are called, if that is known.

    Raises:
        DatasetError: There is none, or it is a class without a name; ``column`` and ``place`` tell where.
    """
    if value in (None, "", b"") or (names is not None and value == _UNLABELLED):
        raise errors.DatasetError(
            f"{place} has no entry in {column!r}; give the path of a split in which every picture has one, or leave "
            f"this split out"
        )
    if names is None or not isinstance(value, int):
        return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    if not 0 <= value < len(names):
        raise errors.DatasetError(f"{place} is of class {value}, of {len(names)} that have names")
    return names[value]


def _sha256_of(packed: Packed, file: Path) -> str:
    try:
        return files.sha256_of(file)
    except OSError as error:
        raise errors.DatasetError(f"path: {packed.path}: {file.name} can't be read ({error.strerror})") from error


def _parts(packed: Packed) -> dict[str, Part]:
    """Return the part of each split, the earlier parts first; that of a lone split is free."""
    names = list(packed.splits)
    if len(names) == 1:
        return {names[0]: Part.FREE}
    found = {name: part for name in names if (part := part_named(name)) is not None}
    way_out = f"give the path of one split, or keep only those that are parts in {packed.path}"
    if len(found) < len(names):
        odd = [name for name in names if name not in found]
        raise errors.DatasetError(f"path: {packed.path}: no part is called {listed(odd)}; {way_out}")
    if Part.TRAIN not in found.values():
        raise errors.DatasetError(f"path: {packed.path}: has no split train, but {listed(names)}; {way_out}")
    if len(set(found.values())) < len(found):
        raise errors.DatasetError(f"path: {packed.path}: of {listed(names)} two are the same part; {way_out}")
    ordered = sorted(found, key=lambda name: found[name])
    return {name: settled(found[name], found.values()) for name in ordered}


def _unpack(packed: Packed, parts: Mapping[str, Part], folder: Path) -> None:
    found: list[File] = []
    groups: list[str | None] = []
    for split, part in parts.items():
        pictures = (picture for file in packed.splits[split] for picture in packed.pictures(file, split))
        for number, picture in enumerate(pictures):
            place = _place(len(found), picture)
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_bytes(picture.data)
            found.append(File(path=place, name=f"{split}[{number}]", label=tidy(picture.label), part=part))
            groups.append(picture.group)
    _check(packed, found)
    known = tuple(group for group in groups if group is not None)
    layout = Layout(files=tuple(found), skipped=(), groups=known or None, is_listed=True)
    if layout.groups is not None:
        names, of = [file.name for file in found], [file.part for file in found]
        grouping.refuse_divided(names, of, layout.groups, told_by="columns.group")
    listing.write(folder, listing.text_of(layout))


def _place(number: int, picture: Picture) -> Path:
    # Which decoder reads it follows from its bytes; of HEIC alone the suffix says that one may be missing.
    suffix = Path(picture.file_name or "").suffix.casefold()
    known = suffix if suffix in SUFFIXES else ""
    return Path(f"{number // _IN_A_FOLDER:05}", f"{number % _IN_A_FOLDER:03}{known}")


def _check(packed: Packed, found: Sequence[File]) -> None:
    if not found:
        raise errors.DatasetError(f"path: {packed.path}: holds no pictures")
    classes = sorted({file.label for file in found})
    if len(classes) < _FEWEST_CLASSES:
        raise errors.DatasetError(f"path: {packed.path}: holds one class only, {classes[0]!r}; two or more are needed")
    held = {(file.label, file.part) for file in found}
    parts = {part for _, part in held}
    for label in classes:
        if any((label, part) not in held for part in parts):
            raise errors.DatasetError(
                f"path: {packed.path}: class {label!r} is not in all of its splits; every part needs every class"
            )
