"""Pictures that a library keeps many to a file, or that a user's own code reads, in the cache: a file each, and a list.

Whoever trains on them reads files and list, and needs none of what made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from harness import atomic_folders, errors, files
from harness.datasets import cached_image_lists, class_names, image_groups
from harness.datasets.csv_reader import composed, listed
from harness.datasets.image_folders import SUFFIXES, ImageFile, Layout
from harness.datasets.part_aliases import Part, part_named, settled

# History of how pictures are unpacked: a new number leaves what lies in the cache behind.
_FORMAT = 1
_IN_A_FOLDER = 1_000
_FEWEST_CLASSES = 2
# How libraries number what has no class, as in test sets of competitions.
_UNLABELLED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture: the bytes of its file, empty where there is none, and what is said of it.

    ``name`` is what messages call it, ``file_name`` what its file was called, if that is known.
    """

    data: bytes
    label: str
    name: str = ""
    part: Part = Part.FREE
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
    return (
        atomic_folders.folder((cache / "datasets" / key).absolute(), partial(_unpack, packed, parts))
        / cached_image_lists.NAME
    )


def write(folder: Path, pictures: Iterable[Picture], *, origin: Path) -> None:
    """Leave pictures and a list of them in ``folder``; ``origin`` is what messages name.

    Raises:
        DatasetError: There are none, or of one class alone; a part lacks a class; groups are given for some alone, or
            stand in several parts.
    """
    found: list[ImageFile] = []
    groups: list[str | None] = []
    for number, picture in enumerate(pictures):
        place = _place(number, picture)
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(picture.data)
        found.append(ImageFile(path=place, name=picture.name, label=composed(picture.label), part=picture.part))
        groups.append(picture.group)
    given = {file.part for file in found}
    held = [replace(file, part=settled(file.part, given)) for file in found]
    _check(held, origin)
    layout = Layout(files=tuple(held), skipped=(), groups=_whole(held, groups, origin), is_listed=True)
    cached_image_lists.write(folder, cached_image_lists.text_of(layout))


def text_of(value: str | int | bytes | None, names: Sequence[str] | None, *, column: str, place: str) -> str:
    """Return a label or group as text; ``names`` are what the classes 0, 1, … are called, if that is known.

    Raises:
        DatasetError: There is none, or it is a class without a name; ``column`` and ``place`` tell where.
    """
    entry = value.decode(errors="replace") if isinstance(value, bytes) else value
    is_nothing = entry is None or (isinstance(entry, str) and class_names.says_nothing(entry))
    if is_nothing or (names is not None and entry == _UNLABELLED):
        raise errors.DatasetError(
            f"{place} has no entry in {column!r}; give the path of a split in which every picture has one, or leave "
            f"this split out"
        )
    if names is None or not isinstance(entry, int):
        return str(entry)
    if not 0 <= entry < len(names):
        raise errors.DatasetError(f"{place} is of class {entry}, of {len(names)} that have names")
    return names[entry]


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
    return {name: found[name] for name in sorted(found, key=lambda name: found[name])}


def _unpack(packed: Packed, parts: Mapping[str, Part], folder: Path) -> None:
    write(folder, _named(packed, parts), origin=packed.path)


def _named(packed: Packed, parts: Mapping[str, Part]) -> Iterator[Picture]:
    for split, part in parts.items():
        pictures = (picture for file in packed.splits[split] for picture in packed.pictures(file, split))
        for number, picture in enumerate(pictures):
            yield replace(picture, name=f"{split}[{number}]", part=part)


def _place(number: int, picture: Picture) -> Path:
    # Which decoder reads it follows from its bytes; of HEIC alone the suffix says that one may be missing.
    suffix = Path(picture.file_name or "").suffix.casefold()
    known = suffix if suffix in SUFFIXES else ""
    return Path(f"{number // _IN_A_FOLDER:05}", f"{number % _IN_A_FOLDER:03}{known}")


def _check(found: Sequence[ImageFile], origin: Path) -> None:
    if not found:
        raise errors.DatasetError(f"path: {origin}: holds no pictures")
    classes = sorted({file.label for file in found})
    if len(classes) < _FEWEST_CLASSES:
        raise errors.DatasetError(f"path: {origin}: holds one class only, {classes[0]!r}; two or more are needed")
    twins = class_names.twins(classes)
    if twins is not None:
        raise errors.DatasetError(f"path: {origin}: {class_names.of_twins(*twins)}")
    held = {(file.label, file.part) for file in found}
    parts = {part for _, part in held}
    for label in classes:
        if any((label, part) not in held for part in parts):
            raise errors.DatasetError(
                f"path: {origin}: class {label!r} is not in all of its parts; every part needs every class"
            )


def _whole(found: Sequence[ImageFile], groups: Sequence[str | None], origin: Path) -> tuple[str, ...] | None:
    known = tuple(group for group in groups if group is not None)
    if not known:
        return None
    if len(known) < len(groups):
        first = next(file.name for file, group in zip(found, groups, strict=True) if group is None)
        raise errors.DatasetError(
            f"path: {origin}: {len(groups) - len(known):,} of {len(groups):,} pictures have no group, such as {first}; "
            f"every one needs one, or none"
        )
    names, parts = [file.name for file in found], [file.part for file in found]
    image_groups.refuse_divided(names, parts, known, told_by="group")
    return known
