"""Folders of images: which files there are, of which class, in which part.

``<class>/…`` or ``<part>/<class>/…``, where the parts are ``train`` and at least one of ``val`` (``validation``,
``valid``) and ``test``. A part that is missing is cut from train by the split's shares. Images may lie deeper than
their class folder. Hidden files, ``__MACOSX``, ``Thumbs.db`` and ``desktop.ini`` are ignored.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import errors, files
from harness.datasets.parts import Part

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"})
"""What makes a file an image, in upper or lower case."""

_PARTS = {
    "train": Part.TRAIN,
    "val": Part.VALIDATION,
    "valid": Part.VALIDATION,
    "validation": Part.VALIDATION,
    "test": Part.TEST,
}
_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_FEWEST_CLASSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One image file. ``name`` is its path below the data set's folder, with ``/`` and in Unicode's composed form."""

    path: Path
    name: str
    label: str
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The images of a folder, sorted by name, and the names of the other files.

    ``skipped`` are files without an image's suffix, and images that stand in no class folder.
    """

    files: tuple[File, ...]
    skipped: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, sorted."""
        return tuple(sorted({file.label for file in self.files}))

    @property
    def content_hash(self) -> str:
        """SHA-256 over every image's name and the SHA-256 of its bytes; reads every file."""
        return files.digest([[file.name, _sha256_of(file.path)] for file in self.files])


def of_folder(root: Path) -> Layout:
    """Return the images below ``root``, one folder for each class.

    Raises:
        DatasetError: The folder is missing, holds no class folders or only one, a class folder holds no images, the
            parts hold different classes, or a link leads out of the folder.
    """
    if not root.is_dir():
        raise errors.DatasetError(f"{root}: no such folder; give the folder that holds one folder for each class")
    folders = _folders(root)
    parts = _parts(root, folders)
    found = _of_parts(root, parts) if parts else _of_classes(root, root, folders, part=Part.FREE)
    _check_classes(root, found, folders)
    return _layout(root, found, parents=[root, *parts.values()])


def of_flat_folder(root: Path) -> Layout:
    """Return the images of one folder, whose files are named ``<class>_<number>``."""
    found = [
        File(path=path, name=_name(root, path), label=path.stem.rpartition("_")[0], part=Part.FREE)
        for path in _visible(root)
        if path.is_file()
    ]
    return _layout(root, found, parents=[])


def _layout(root: Path, found: list[File], *, parents: list[Path]) -> Layout:
    # Sorted by name, whatever order the disk has them in.
    ordered = sorted(found, key=lambda file: (file.name, str(file.path)))
    loose = [_name(root, path) for parent in parents for path in _visible(parent) if path.is_file()]
    strange = [file.name for file in ordered if not _is_image(file.path)]
    return Layout(
        files=tuple(file for file in ordered if _is_image(file.path)), skipped=tuple(sorted([*loose, *strange]))
    )


def _parts(root: Path, folders: list[Path]) -> dict[Part, Path]:
    # A data set may well have a class named "train": parts are meant only where nothing else fits.
    named = [_PARTS.get(folder.name.casefold()) for folder in folders]
    parts = {part: folder for part, folder in zip(named, folders, strict=True) if part is not None}
    if None in named or Part.TRAIN not in parts or len(named) < _FEWEST_CLASSES or not _folders(parts[Part.TRAIN]):
        return {}
    if len(parts) < len(folders):
        raise errors.DatasetError(f"{root}: holds the same part under two names; keep one of val, valid, validation")
    return parts


def _of_parts(root: Path, parts: dict[Part, Path]) -> list[File]:
    complete = len(parts) == len(set(_PARTS.values()))
    found = []
    for part, folder in parts.items():
        # With a part missing, the images of train are free: some of them are cut for it.
        settled = part if complete or part is not Part.TRAIN else Part.FREE
        found += _of_classes(root, folder, _folders(folder), part=settled)
    _check_parts(root, parts)
    return found


def _check_parts(root: Path, parts: dict[Part, Path]) -> None:
    trained = {_composed(folder.name) for folder in _folders(parts[Part.TRAIN])}
    for folder in parts.values():
        for name in sorted(trained ^ {_composed(inner.name) for inner in _folders(folder)}):
            raise errors.DatasetError(
                f"{root}: class {name!r} is not in all of its parts; every part needs every class"
            )


def _of_classes(root: Path, parent: Path, folders: list[Path], *, part: Part) -> list[File]:
    if not folders:
        raise errors.DatasetError(f"{parent}: holds no class folders; put the images of each class in a folder of it")
    found = []
    for folder in folders:
        images = [
            File(path=path, name=_name(root, path), label=_composed(folder.name), part=part)
            for path in _walk(root, folder)
        ]
        if not any(_is_image(image.path) for image in images):
            raise errors.DatasetError(
                f"{folder}: class without images ({', '.join(sorted(SUFFIXES))}); fill or delete it"
            )
        found += images
    return found


def _check_classes(root: Path, found: list[File], folders: list[Path]) -> None:
    classes = Counter(file.label for file in found)
    if len(classes) < _FEWEST_CLASSES:
        inner = folders[0] if len(folders) == 1 and _folders(folders[0]) else None
        hint = f"did you mean {str(inner)!r}?" if inner is not None else "two or more are needed"
        raise errors.DatasetError(f"{root}: holds one class only, {min(classes)!r}; {hint}")


def _walk(root: Path, folder: Path) -> Iterator[Path]:
    _check_link(root, folder)
    for parent, inner, names in os.walk(folder, onerror=_refuse):
        inner[:] = [name for name in inner if not _is_clutter(name)]
        for name in inner:
            _check_link(root, Path(parent, name))
        for path in (Path(parent, name) for name in names if not _is_clutter(name)):
            _check_link(root, path)
            if not path.is_file():
                raise errors.DatasetError(f"{path}: a broken link or no plain file; remove it")
            yield path


def _refuse(error: OSError) -> None:
    raise errors.DatasetError(f"{error.filename}: can't be read ({error.strerror}); allow it or remove it") from error


def _visible(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if not _is_clutter(path.name))


def _folders(parent: Path) -> list[Path]:
    return [path for path in _visible(parent) if path.is_dir()]


def _check_link(root: Path, path: Path) -> None:
    # A container sees the data set's folder and nothing else.
    if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(root.resolve())):
        raise errors.DatasetError(f"{path}: a link to a folder or out of the data set; copy its target here instead")


def _sha256_of(path: Path) -> str:
    try:
        return files.sha256_of(path)
    except OSError as error:
        raise errors.DatasetError(f"{path}: can't be read ({error.strerror}); allow it or remove it") from error


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _CLUTTER


def _is_image(path: Path) -> bool:
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
