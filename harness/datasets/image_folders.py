"""Folders of images: which files there are, of which class, in which part.

``<class>/…`` or ``<part>/<class>/…``, where the parts are train and at least one of validation and test, by any of
their usual names. A part that is missing is cut from train by the split's shares. Where a folder could be read in both
ways the user has to say which is meant. Images may lie deeper than their class folder. Hidden files, and what systems
leave in folders (``Thumbs.db``, ``@eaDir``, ``$RECYCLE.BIN``, …), are ignored.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness import errors, files
from harness.datasets.part_aliases import Part, part_named, settled

HEIC_SUFFIXES = frozenset({".heic", ".heif"})
"""Of images that only an extra decodes: they are left out where the worker lacks it."""

SUFFIXES = HEIC_SUFFIXES | {".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
"""What makes a file an image, in upper or lower case."""

WITHOUT_HEIC = "needs the extra heic: pip install 'tuner-harness[heic]'"
"""Why an image is left out where the extra is missing."""

Folders = Literal["classes", "parts"]
"""What the folders at the top of a data set are."""

# What systems and storage leave in people's folders: macOS, Windows, Linux, Synology (thumbnails among them), QNAP.
_CLUTTER = frozenset(
    {
        *("__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "recycler"),
        *("recycled", "recycle.bin", "msocache", "config.msi", "ehthumbs_vista.db", "_gsdata_"),
        *("system volume information", "lost+found", "__pycache__", "network trash folder", "temporary items"),
        *("thevolumesettingsfolder", "thefindbycontentfolder", "desktop db", "desktop df", "~snapshot"),
        *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@sharesnap"),
    }
)
# What Windows finds when it mends a disk.
_FOUND = re.compile(r"found\.[0-9]{3}")
_FEWEST_CLASSES = 2
# As many names as a line bears.
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """One image file. ``name`` is its path below the data set's folder, with ``/`` and in Unicode's composed form."""

    path: Path
    name: str
    label: str
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The images of a data set, sorted by name, and the names of the other files.

    ``skipped`` are files without an image's suffix, and images that stand in no class folder. ``meant`` is how the user
    said that the folders are to be read, if at all; ``groups`` is the group of each image, if the user gives groups.
    ``is_listed`` says that a table names classes and parts, and not the folders that the images lie in.
    """

    files: tuple[ImageFile, ...]
    skipped: tuple[str, ...]
    meant: Folders | None = None
    groups: tuple[str, ...] | None = None
    is_listed: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, sorted."""
        return tuple(sorted({file.label for file in self.files}))

    @property
    def folder(self) -> Path:
        """The deepest folder that holds every image."""
        return Path(os.path.commonpath({file.path.parent for file in self.files}))

    @property
    def content_hash(self) -> str:
        """SHA-256 over every image's name and bytes and what the user says of them all; reads every file."""
        held = [[file.name, _sha256_of(file.path), *self._told_of(file)] for file in self.files]
        said = [each for each in (self.meant, self.groups) if each is not None]
        return files.digest([held, *said] if said else held)

    def _told_of(self, file: ImageFile) -> list[str | int]:
        # Of folders the name tells as much, and how they are read.
        return [file.label, int(file.part)] if self.is_listed else []


def of_folder(root: Path, *, meant: Folders | None = None) -> Layout:
    """Return the images below ``root``, one folder for each class.

    ``meant`` is what the user says that the folders at the top are; None where their names are to tell.

    Raises:
        DatasetError: The folder is missing, holds no class folders or only one, a class folder holds no images, the
            parts hold different classes, a link is broken or leads out of it, or it isn't plain what is a class.
    """
    _check_root(root)
    _refuse_links(root, root)
    folders = _folders(root)
    parts = {} if meant == "classes" else _parts(root, folders, meant)
    found = _of_parts(root, parts) if parts else _of_classes(root, root, folders, part=Part.FREE)
    _check_classes(root, found, folders)
    if meant is None:
        _refuse_twins(root, {file.label for file in found}, way_out="parts" if parts else "classes")
    return _layout(root, found, parents=[root, *parts.values()], meant=meant)


def of_flat_folder(root: Path) -> Layout:
    """Return the images of one folder, whose files are named ``<class>_<number>``."""
    found = [
        ImageFile(path=path, name=_name(root, path), label=path.stem.rpartition("_")[0], part=Part.FREE)
        for path in _visible(root)
        if path.is_file()
    ]
    return _layout(root, found, parents=[])


def hash_of(place: Path) -> str:
    """Return the SHA-256 of a file, or of the names and bytes of all files below a folder that aren't ignored.

    Raises:
        DatasetError: A link in it is broken or leads out of it, or a file can't be read.
    """
    if place.is_file():
        return _sha256_of(place)
    held = {_name(place, path): _sha256_of(path) for path in _walk(place, place)}
    return files.digest(sorted(held.items()))


def _check_root(root: Path) -> None:
    if root.is_dir():
        return
    what = "a file, not a folder; unpack it if it is an archive, and" if root.is_file() else "no such folder;"
    raise errors.DatasetError(f"{root}: {what} give the folder that holds one folder for each class")


def _layout(root: Path, found: list[ImageFile], *, parents: list[Path], meant: Folders | None = None) -> Layout:
    # Sorted by name, whatever order the disk has them in.
    ordered = sorted(found, key=lambda file: (file.name, str(file.path)))
    loose = [_name(root, path) for parent in parents for path in _visible(parent) if path.is_file()]
    strange = [file.name for file in ordered if not is_image(file.path)]
    return Layout(
        files=tuple(file for file in ordered if is_image(file.path)),
        skipped=tuple(sorted([*loose, *strange])),
        meant=meant,
    )


def _parts(root: Path, folders: list[Path], meant: Folders | None) -> dict[Part, Path]:
    """Return the folder of each part; none where the folders are classes."""
    named = [(folder, part_named(folder.name)) for folder in folders]
    parts = {part: folder for folder, part in named if part is not None}
    others = [folder for folder, part in named if part is None]
    if meant is None and (others or not _are_parts(parts, folders)):
        _refuse_doubtful(root, folders, parts, others)
        return {}
    if others or Part.TRAIN not in parts or len(folders) < _FEWEST_CLASSES:
        raise errors.DatasetError(
            f"{root}: holds {_listed(folders)}; parts need a train folder beside a validation or a test folder or "
            f"both, and nothing else"
        )
    if len(parts) < len(folders):
        raise errors.DatasetError(f"{root}: holds the same part under two names, {_listed(folders)}; keep one of them")
    return parts


def _are_parts(parts: Mapping[Part, Path], folders: Sequence[Path]) -> bool:
    return Part.TRAIN in parts and len(folders) >= _FEWEST_CLASSES and bool(_folders(parts[Part.TRAIN]))


def _refuse_doubtful(root: Path, folders: list[Path], parts: Mapping[Part, Path], others: list[Path]) -> None:
    """Refuse folders that may be classes and may be something else: a wrong guess would train another problem.

    A lone class called "test" with images in it is none of these; nor are class folders that hold one same folder.
    """
    as_classes = 'for classes write folders = "classes"'
    nested = any(_folders(folder) for folder in parts.values())
    if len(parts) >= _FEWEST_CLASSES or (nested and len(folders) >= _FEWEST_CLASSES):
        way = _way_to_parts(parts, others)
        raise errors.DatasetError(
            f"{root}: are {_listed(folders)} parts of the data or its classes? For parts {way}; {as_classes}"
        )
    shared = _shared(folders) if len(folders) >= _FEWEST_CLASSES else []
    if len(shared) >= _FEWEST_CLASSES:
        raise errors.DatasetError(
            f"{root}: each of {_listed(folders)} holds {_listed(shared)}: which are the classes? For the "
            f'latter put all images of a class in one folder; for the former write folders = "classes"'
        )


def _shared(folders: Sequence[Path]) -> list[Path]:
    """Return the inner folders that each of ``folders`` has, by their paths in the first."""
    first, *rest = [_folders(folder) for folder in folders]
    names = [{folder.name for folder in each} for each in rest]
    return [folder for folder in first if all(folder.name in each for each in names)]


def _way_to_parts(parts: Mapping[Part, Path], others: Sequence[Path]) -> str:
    if others:
        return f"move {_listed(others)} elsewhere"
    if Part.TRAIN not in parts:
        return "call one of them train"
    return "put a folder for each class into them"


def _listed(paths: Sequence[Path]) -> str:
    names = [repr(path.name) for path in paths[:_MOST_NAMED]]
    more = [f"{len(paths) - len(names)} more"] if len(paths) > len(names) else []
    *most, last = [*names, *more]
    return f"{', '.join(most)} and {last}" if most else last


def _of_parts(root: Path, parts: dict[Part, Path]) -> list[ImageFile]:
    found = []
    for part, folder in parts.items():
        _refuse_links(root, folder)
        found += _of_classes(root, folder, _folders(folder), part=settled(part, parts))
    _check_parts(root, parts)
    return found


def _check_parts(root: Path, parts: dict[Part, Path]) -> None:
    trained = {_composed(folder.name) for folder in _folders(parts[Part.TRAIN])}
    for folder in parts.values():
        for name in sorted(trained ^ {_composed(inner.name) for inner in _folders(folder)}):
            raise errors.DatasetError(
                f"{root}: class {name!r} is not in all of its parts; every part needs every class"
            )


def _of_classes(root: Path, parent: Path, folders: list[Path], *, part: Part) -> list[ImageFile]:
    if not folders:
        way = "put the images of each class in a folder of it" + (", or move it away" if parent != root else "")
        raise errors.DatasetError(f"{parent}: holds no class folders; {way}")
    found = []
    for folder in folders:
        _refuse_results(folder)
        images = [
            ImageFile(path=path, name=_name(root, path), label=_composed(folder.name), part=part)
            for path in _walk(root, folder)
        ]
        if not any(is_image(image.path) for image in images):
            raise errors.DatasetError(
                f"{folder}: class without images ({', '.join(sorted(SUFFIXES))}); fill or delete it"
            )
        found += images
    return found


def _refuse_results(folder: Path) -> None:
    # The pictures of an earlier run's plots would become a class.
    if any(folder.glob("*/plan.json")):
        raise errors.DatasetError(
            f"{folder}: holds results of the harness, not images of a class; move it, or your images into a folder of "
            f"their own"
        )


def _check_classes(root: Path, found: list[ImageFile], folders: list[Path]) -> None:
    classes = Counter(file.label for file in found)
    if len(classes) < _FEWEST_CLASSES:
        inner = folders[0] if len(folders) == 1 and _folders(folders[0]) else None
        hint = f"did you mean {str(inner)!r}?" if inner is not None else "two or more are needed"
        raise errors.DatasetError(f"{root}: holds one class only, {min(classes)!r}; {hint}")


def _refuse_twins(root: Path, labels: Iterable[str], *, way_out: Folders) -> None:
    """Refuse classes whose names look the same: some disks keep them apart and others don't."""
    seen: dict[str, str] = {}
    for label in sorted(labels):
        twin = seen.setdefault(" ".join(label.casefold().split()), label)
        if twin != label:
            raise errors.DatasetError(
                f"{root}: classes {twin!r} and {label!r} differ in capitals or spaces alone: are they one? For one put "
                f'all images in one folder; for two write folders = "{way_out}"'
            )


def _walk(root: Path, folder: Path) -> Iterator[Path]:
    _check_link(root, folder)
    for parent, inner, names in os.walk(folder, onerror=_refuse):
        inner[:] = [name for name in inner if not _is_clutter(name)]
        for name in inner:
            _check_link(root, Path(parent, name))
        for path in (Path(parent, name) for name in names if not _is_clutter(name)):
            _check_link(root, path)
            if not path.is_file():
                raise errors.DatasetError(f"{path}: no plain file; remove it")
            yield path


def _refuse(error: OSError) -> None:
    raise errors.DatasetError(f"{error.filename}: can't be read ({error.strerror}); allow it or remove it") from error


def _visible(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if not _is_clutter(path.name))


def _folders(parent: Path) -> list[Path]:
    return [path for path in _visible(parent) if path.is_dir()]


def _refuse_links(root: Path, parent: Path) -> None:
    """Refuse links in the place of folders of parts or classes; those to files stand in no class and don't matter."""
    for path in _visible(parent):
        if not path.is_file():
            _check_link(root, path)


def _check_link(root: Path, path: Path) -> None:
    if not path.is_symlink():
        return
    if not path.exists():
        raise errors.DatasetError(f"{path}: a broken link; remove it, or copy its target here instead")
    # A container sees the data set's folder and nothing else.
    if path.is_dir() or not path.resolve().is_relative_to(root.resolve()):
        raise errors.DatasetError(f"{path}: a link to a folder or out of the data set; copy its target here instead")


def _sha256_of(path: Path) -> str:
    try:
        return files.sha256_of(path)
    except OSError as error:
        raise errors.DatasetError(f"{path}: can't be read ({error.strerror}); allow it or remove it") from error


def _is_clutter(name: str) -> bool:
    folded = name.casefold()
    return name.startswith(".") or folded in _CLUTTER or _FOUND.fullmatch(folded) is not None


def is_image(path: Path) -> bool:
    """Whether a file is an image by its suffix."""
    return path.suffix.casefold() in SUFFIXES


def _name(root: Path, path: Path) -> str:
    return _composed(path.relative_to(root).as_posix())


def _composed(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        readable = text.encode(errors="backslashreplace").decode()
        raise errors.DatasetError(
            f"{readable}: a name that is not UTF-8; rename it, with convmv for example"
        ) from error
    # Some file systems keep "é" as one character, others as two.
    return unicodedata.normalize("NFC", text)
