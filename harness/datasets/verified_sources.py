"""A data set's verified files, as a worker is told of them, and what they hold. Standard library only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import environment, errors, files
from harness.catalogue import datasets as catalogue
from harness.datasets import cached_image_lists, image_folders, image_groups
from harness.extensions import Found, loading

_FOLDERS = frozenset({"folder", "flat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Verified files that hold a data set.

    Attributes:
        name: What messages call it: a built-in name, or the user's path.
        kind: How it is read.
        paths: Absolute paths of a folder, and of the CSV file of its groups if any; of a list of images, and of the
            folder that they lie in; of a user's Python file, if any, and the
            data that it reads; or of files in a fixed order.
        content_hash: SHA-256 of what they hold: the same data anywhere has the same hash.
        classes: Names of the labels 0, 1, …; empty where the files themselves name the classes.
        skipped: Files that are no images by their suffix.
        folders: What the folders in it are, where the user says so.
        reader: Of the user's own code its ``sha256``, the ``options`` that it is called with, and where it is an entry
            point what else is known of that.
        group_by: What names an image's group, a regular expression or a column of the CSV file; None: nothing does.
    """

    name: str
    kind: catalogue.Kind
    paths: tuple[str, ...]
    content_hash: str
    classes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    folders: image_folders.Folders | None = None
    group_by: str | None = None
    reader: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Source:
        """Return the source that ``to_json`` described."""
        plain = cls(**value)
        return dataclasses.replace(
            plain, paths=tuple(plain.paths), classes=tuple(plain.classes), skipped=tuple(plain.skipped)
        )

    @property
    def key(self) -> list[str]:
        """What tells its pictures from others in a cache; a user's own code may make others of other packages."""
        return [self.kind, self.content_hash, *([environment.content()] if self.kind == "file" else [])]

    @property
    def place(self) -> str:
        """The folder of pictures that a user's own code has read, relative to the cache."""
        return f"datasets/{files.digest(self.key)}"

    @property
    def own_code(self) -> Found:
        """What is known of the user's own code."""
        known = {name: value for name, value in (self.reader or {}).items() if name != "options"}
        return known if len(self.paths) == 1 else {"path": self.paths[0], **known}

    @property
    def has_files(self) -> bool:
        """Whether each image is a file of its own."""
        return self.kind in _FOLDERS or self.kind == "table"


def listed(source: Source) -> image_folders.Layout:
    """Return the image files of a source that has some.

    Raises:
        DatasetError: They are no data set, or can't be grouped as asked.
    """
    root, *others = map(Path, source.paths)
    if source.kind == "table":
        return cached_image_lists.read(root)
    if source.kind == "flat":
        return image_folders.of_flat_folder(root)
    found = image_folders.of_folder(root, meant=source.folders)
    return found if source.group_by is None else grouped(found, by=source.group_by, table=next(iter(others), None))


def grouped(found: image_folders.Layout, *, by: str, table: Path | None) -> image_folders.Layout:
    """Return a layout with the group of each image.

    Raises:
        DatasetError: One has none, or a group lies in several parts.
    """
    names = [file.name for file in found.files]
    groups = image_groups.groups_of(names, by=by, table=table)
    image_groups.refuse_divided(names, [file.part for file in found.files], groups)
    return dataclasses.replace(found, groups=groups)


def verify(source: Source) -> None:
    """Hash anew what ``source``'s paths hold, before it is read and again before what was made of it is kept.

    The folder of an unpacked archive is not hashed: it lies in the cache, and its source has the archive's hash.

    Raises:
        MachineError: They hold something else than when the source was resolved.
    """
    # One race stays open: files that are changed and changed back between two calls.
    if source.name in catalogue.KNOWN and source.kind in _FOLDERS:
        return
    try:
        held = held_by(source)
    except (errors.DatasetError, OSError) as error:
        raise _changed(source) from error
    if held != source.content_hash:
        raise _changed(source)


def joint(sha256s: list[str]) -> str:
    """Return the hash of files in their order; of one file its own."""
    return sha256s[0] if len(sha256s) == 1 else files.digest(sha256s)


def _changed(source: Source) -> errors.MachineError:
    what = f"the images of {source.name}" if source.kind == "table" else ", ".join(source.paths)
    return errors.MachineError(f"{what}: changed since the run began; run it again")


def held_by(source: Source) -> str:
    """Return the hash of what a source's paths hold, and of what is said of it; reads every file.

    Raises:
        DatasetError: They can't be used.
        MachineError: The package that reads them isn't the one that was found.
        OSError: They can't be read.
    """
    if source.has_files:
        return listed(source).content_hash
    if source.reader is not None:
        data = Path(source.paths[-1])
        return files.digest([loading.held(source.own_code), source.reader["options"], image_folders.hash_of(data)])
    return joint([files.sha256_of(Path(path)) for path in source.paths])
