"""The decoded data set: every usable image at one size, memory-mapped, made once."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import atomic_folders, errors, files, matrix_schema
from harness.datasets import (
    decoding,
    image_cleaning,
    image_folders,
    lazy_images,
    near_duplicates,
    subsampling,
    verified_sources,
)
from harness.datasets.verified_sources import Source

# 2: TIFF, 16-bit transparency, PNGs with wrong checksums. 3: groups. 4: fingerprints.
# 5: reasons that never name a folder. 6: values beyond 16 bits. 7: pixels that come out black, labels that look alike.
_FORMAT = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Images:
    """A data set at one size.

    Attributes:
        images: RGB, uint8, (N, size, size, 3); a read-only memory map.
        labels: The class of each image, int32, (N,).
        fixed: The ``Part`` of each image, int8, (N,).
        classes: The name of each class: sorted, or in the order of the labels where the source numbers them.
        names: What the source calls each image.
        groups: The group of each image, whose images stay in one part; None where nothing is grouped.
        unreadable: Files that could not be used, with the reason.
        duplicates: Removed images, each with the one kept in its place.
        contradictions: Groups of equal images with different labels, all removed.
        usable: How many images are left before the limits draw.
        likeness: Which images look alike without being equal.
        content_hash: SHA-256 of the source.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]
    fixed: NDArray[np.int8]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...] | None
    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    contradictions: tuple[tuple[str, ...], ...]
    usable: int
    likeness: near_duplicates.Likeness
    content_hash: str


def load(source: Source, dataset: matrix_schema.Dataset, *, image_size: int, cache: Path) -> Images:
    """Return the images that ``dataset``'s limits leave, decoded into ``cache`` at the first call.

    Unreadable files and duplicates are removed and listed, then ``per_class`` and ``max_images`` are drawn. Images
    are resized to a square by bilinear interpolation with antialiasing; the aspect ratio is not kept.

    Raises:
        DatasetError: The images can't be used as asked.
        MachineError: The source changed since it was resolved; nothing is kept.
    """
    place = cache / place_of(source, dataset, image_size=image_size)
    folder = atomic_folders.folder(place, partial(_build, source, dataset, image_size=image_size, cache=cache))
    report = json.loads((folder / "report.json").read_bytes())
    return Images(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        labels=np.load(folder / "labels.npy"),
        fixed=np.load(folder / "fixed.npy"),
        classes=tuple(report["classes"]),
        names=tuple(report["names"]),
        groups=None if report["groups"] is None else tuple(report["groups"]),
        unreadable=_pairs(report["unreadable"]) + tuple((name, _skipped(name)) for name in source.skipped),
        duplicates=_pairs(report["duplicates"]),
        contradictions=tuple(tuple(group) for group in report["contradictions"]),
        usable=report["usable"],
        likeness=near_duplicates.Likeness(kinds=np.load(folder / "kinds.npy"), near=np.load(folder / "near.npy")),
        content_hash=source.content_hash,
    )


def place_of(source: Source, dataset: matrix_schema.Dataset, *, image_size: int) -> str:
    """Return the folder that ``load`` keeps images in, relative to the cache."""
    key = files.digest([_FORMAT, decoding.DECODERS, *source.key, _limits(dataset), image_size])
    return f"images/{key}"


def _build(source: Source, dataset: matrix_schema.Dataset, folder: Path, *, image_size: int, cache: Path) -> None:
    verified_sources.verify(source)
    opened = lazy_images.open_source(_as_files(source, cache=cache))
    found = image_cleaning.survey(source, opened, cache=cache)
    cleaned = image_cleaning.clean(opened, found, origin=source.name)
    kept = np.array(cleaned.kept, dtype=np.int64)
    groups = None if opened.groups is None else np.array(opened.groups)[kept]
    drawn = subsampling.sample(opened.labels[kept], opened.parts[kept], groups, classes=opened.classes, dataset=dataset)
    chosen = kept[drawn]
    _save(folder / "labels.npy", opened.labels[chosen])
    _save(folder / "fixed.npy", opened.parts[chosen])
    fingerprints = _write_images(folder / "images.npy", opened, chosen.tolist(), size=image_size, origin=source.name)
    alike = near_duplicates.of(fingerprints)
    _save(folder / "kinds.npy", alike.kinds)
    _save(folder / "near.npy", alike.near)
    report = {
        "classes": opened.classes,
        "names": [opened.names[index] for index in chosen],
        "groups": None if groups is None else groups[drawn].tolist(),
        "unreadable": cleaned.unreadable,
        "duplicates": cleaned.duplicates,
        "contradictions": cleaned.contradictions,
        "usable": len(kept),
    }
    files.write_atomically(folder / "report.json", files.canonical_json(report))
    verified_sources.verify(source)


def _as_files(source: Source, *, cache: Path) -> Source:
    if source.kind != "file":
        return source
    from harness.datasets import own_data  # noqa: PLC0415 - of the cells whose data a user's own code reads

    return own_data.unpacked(source, cache=cache)


def _save(path: Path, values: NDArray[Any]) -> None:
    # By way of memory: into a file of a full disk, numpy writes with an error that doesn't tell what it is.
    stream = io.BytesIO()
    np.save(stream, values)
    path.write_bytes(stream.getvalue())


def _write_images(
    path: Path, opened: lazy_images.Opened, chosen: Sequence[int], *, size: int, origin: str
) -> list[int | None]:
    """Write the chosen images at one size and return their fingerprints."""
    # Written one after another and not through a memory map, where a full disk would kill the process.
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(chosen), size, size, 3)}
    fingerprints = []
    with path.open("wb") as stream, lazy_images.without_warnings():
        np.lib.format.write_array_header_1_0(stream, header)
        for pixels, fingerprint in lazy_images.each(partial(_resized, opened, size, origin), chosen):
            stream.write(pixels.tobytes())
            fingerprints.append(fingerprint)
    return fingerprints


def _resized(opened: lazy_images.Opened, size: int, origin: str, index: int) -> tuple[decoding.Pixels, int | None]:
    try:
        pixels = decoding.resize(opened.picture(index), size)
    except decoding.Unreadable as error:
        raise errors.MachineError(
            f"{origin}: {opened.names[index]} changed since the run began ({error}); run it again"
        ) from error
    return pixels, near_duplicates.fingerprint(pixels)


def _limits(dataset: matrix_schema.Dataset) -> list[int | None]:
    if dataset.per_class is None and dataset.max_images is None:
        return []
    return [dataset.per_class, dataset.max_images, dataset.sample_seed]


def _pairs(stored: list[list[Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in stored)


def _skipped(name: str) -> str:
    suffix = Path(name).suffix
    if suffix.casefold() in image_folders.SUFFIXES:
        return "stands in no class folder"
    return f"not an image by its suffix ({suffix or 'none'})"
