"""Data sets that ship as arrays: numpy's, and those of the sets that the catalogue knows."""

from __future__ import annotations

import gzip
import io
import math
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import downloads, environment, errors
from harness.datasets import class_names, pixel_range, safe_pickles
from harness.datasets.decoding import Pixels, repeat_grey
from harness.datasets.part_aliases import Part, part_named, settled
from harness.datasets.verified_sources import Source

_ANIMALS = "animal_mnist/data/Animal_MNIST/animal_{}_version_3.gz"
_BRIGHTEST_DIGIT = 16
_AT_ONCE = 1_000
# Of an .npz file: what arrays of images and of labels are called, before or after the name of their part if any.
_NPZ_IMAGES = ("x", "images", "image")
_NPZ_LABELS = ("y", "labels", "label")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayBlock:
    """Images and labels that came together: (n, height, width[, channels]) and (n,)."""

    name: str
    images: NDArray[Any]
    labels: NDArray[Any]
    part: Part = Part.FREE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrays:
    """Pictures in one array, (N, height, width) or (N, height, width, 1 or 3)."""

    images: Pixels
    labels: NDArray[np.int32]
    parts: NDArray[np.int8]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    groups: None = None

    def picture(self, index: int) -> Pixels:
        """Return one picture in RGB."""
        return repeat_grey(self.images[index])


def read(source: Source) -> Arrays:
    """Read the arrays of ``source`` into memory.

    Raises:
        DatasetError: The file is broken, or its arrays are no images with a label each.
    """
    blocks, named = _READERS[source.kind](source)
    images = [_pixels(block, source.name) for block in blocks]
    if source.kind == "npz":
        _refuse_dark(blocks, source.name)
    if len({array.shape[1:] for array in images}) > 1:
        raise errors.DatasetError(f"{source.name}: its parts hold images of different sizes; make them one size")
    labels = [_labels(block, source.name) for block in blocks]
    indices, classes = _classes(np.concatenate(labels), named or source.classes, source.name)
    return Arrays(
        images=np.concatenate(images),
        labels=indices,
        parts=np.concatenate([np.full(len(block.labels), block.part, dtype=np.int8) for block in blocks]),
        classes=classes,
        names=tuple(f"{block.name}[{index}]" for block in blocks for index in range(len(block.images))),
    )


def _refuse_dark(blocks: Sequence[ArrayBlock], origin: str) -> None:
    """Refuse arrays none of which is bright anywhere, by the brightest of all: a part may be dark."""
    for is_float in (False, True):
        alike = [block for block in blocks if (block.images.dtype.kind == "f") == is_float]
        brightest = max((float(block.images.max()) for block in alike), default=1.0 if is_float else 255.0)
        wrong = pixel_range.too_dark(brightest, is_float=is_float)
        if wrong is not None:
            raise errors.DatasetError(f"{origin}: {', '.join(block.name for block in alike)}: {wrong}")


def _pixels(block: ArrayBlock, origin: str) -> Pixels:
    images, what = block.images, f"{origin}: {block.name}"
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):  # noqa: PLR2004 - axes
        shape = "×".join(map(str, images.shape))
        raise errors.DatasetError(
            f"{what}: shape {shape}; give (n, height, width) or (n, height, width, 1 or 3){_turned(images)}"
        )
    if images.size == 0:
        raise errors.DatasetError(f"{what}: holds no images")
    if images.dtype.kind not in "fiu":
        raise errors.DatasetError(f"{what}: {images.dtype} values; give uint8, or floats from 0 to 1")
    brightest = 1 if images.dtype.kind == "f" else 255
    if not (images.min() >= 0 and images.max() <= brightest):
        found = f"values from {images.min()} to {images.max()}"
        raise errors.DatasetError(f"{what}: {found}; give uint8 from 0 to 255, or floats from 0 to 1")
    return _scaled(images) if brightest == 1 else images.astype(np.uint8, copy=False)


def _turned(images: NDArray[Any]) -> str:
    """Return how images are turned that have their channels first, as PyTorch's have."""
    is_turned = images.ndim == 4 and images.shape[1] in (1, 3)  # noqa: PLR2004 - axes
    return ", here by numpy's transpose(0, 2, 3, 1)" if is_turned else ""


def _scaled(images: NDArray[Any]) -> Pixels:
    # Some at a time: as floats they take eight times the memory, and the product as much again.
    pixels = np.empty(images.shape, dtype=np.uint8)
    for start in range(0, len(images), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        pixels[some] = np.rint(images[some] * 255)
    return pixels


def _labels(block: ArrayBlock, origin: str) -> NDArray[Any]:
    flat = block.labels.reshape(-1) if block.labels.shape[1:] in ((), (1,)) else None
    if flat is None or len(flat) != len(block.images):
        shape = "×".join(map(str, block.labels.shape))
        raise errors.DatasetError(
            f"{origin}: labels of {block.name}: shape {shape} for {len(block.images)} images; give one label for each, "
            f"of one-hot rows by numpy's argmax(axis=1)"
        )
    if flat.dtype.kind in "SU":
        return _names(flat, f"{origin}: labels of {block.name}")
    with np.errstate(invalid="ignore"):  # what is no whole number is found by comparing
        whole = flat.astype(np.int64) if flat.dtype.kind in "biuf" else flat
    if whole.dtype.kind != "i" or not np.array_equal(whole, flat):
        raise errors.DatasetError(f"{origin}: labels of {block.name}: {flat.dtype}; give whole numbers or names")
    return whole


def _names(labels: NDArray[Any], what: str) -> NDArray[Any]:
    """Return labels that are text; each is one that can be written, and says something."""
    try:
        names = np.char.decode(labels, "utf-8") if labels.dtype.kind == "S" else labels
        for name in np.unique(names):
            str(name).encode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise errors.DatasetError(f"{what}: not UTF-8 ({error.reason}); save names by astype('U')") from error
    for name in np.unique(names):
        if class_names.says_nothing(str(name)):
            empty, spelt = int(np.count_nonzero(names == name)), f" ({str(name)!r})" if str(name).strip() else ""
            raise errors.DatasetError(f"{what}: {empty:,} of {len(names):,} are empty{spelt}; give each one")
    return names


def _classes(labels: NDArray[Any], named: Sequence[str], origin: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    values, indices = np.unique(labels, return_inverse=True)
    if named and labels.dtype.kind == "i" and values[0] >= 0 and values[-1] < len(named):
        return labels.astype(np.int32), tuple(named)
    if len(values) < 2:  # noqa: PLR2004 - one class is no choice
        raise errors.DatasetError(f"{origin}: holds one class only, {str(values[0])!r}; two or more are needed")
    classes = tuple(str(value) for value in values)
    twins = class_names.twins(classes)
    if twins is not None:
        raise errors.DatasetError(f"{origin}: {class_names.of_twins(*twins)}")
    return indices.astype(np.int32), classes


def _npz(source: Source) -> tuple[list[ArrayBlock], Sequence[str]]:
    try:
        with zipfile.ZipFile(source.paths[0]) as archive:
            members = _members(source, archive)
            paired = _npz_pairs(source, members)
            used = {name: members[name] for pair in paired.values() for name in pair}
            _check_headers(source, archive, used)
            held = {name: _member(archive, member) for name, member in used.items()}
    except errors.HarnessError:
        raise
    except MemoryError as error:
        raise errors.MachineError(f"{source.name}: its arrays don't fit into this machine's memory") from error
    except Exception as error:  # bytes that nobody foresaw: whatever their reader raises is the file's
        why = errors.reason(error)
        raise errors.DatasetError(f"{source.name}: not an .npz file of plain arrays ({why})") from error
    return [
        ArrayBlock(
            name=images,
            images=held[images],
            labels=held[labels],
            part=settled(part, paired),
        )
        for part, (images, labels) in sorted(paired.items())
    ], ()


def _members(source: Source, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if members.setdefault(name, member) is not member:
            raise errors.DatasetError(f"{source.name}: holds {name} twice; save it anew, each array once")
    return members


def _check_headers(source: Source, archive: zipfile.ZipFile, used: Mapping[str, zipfile.ZipInfo]) -> None:
    """Refuse arrays by what their headers declare, before anything is made room for."""
    declared = {name: _declared_bytes(archive, member) for name, member in used.items()}
    there = environment.memory_bytes()
    if sum(declared.values()) > there:
        largest = max(declared, key=lambda name: declared[name])
        raise errors.DatasetError(
            f"{source.name}: {largest}: {declared[largest]:,} bytes; with the others more than this machine's memory "
            f"({there:,}); give fewer images, uint8 in place of floats, or a folder of image files"
        )


def _declared_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if dtype.hasobject:
            raise ValueError(f"{member.filename} holds Python objects; save plain numbers, or names by astype('U')")
        declared = math.prod(shape) * dtype.itemsize
        if declared != member.file_size - stream.tell():
            raise ValueError(f"{member.filename} declares {declared:,} bytes and holds {member.file_size:,}")
    return declared


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _npz_pairs(source: Source, held: Collection[str]) -> dict[Part, tuple[str, str]]:
    """Return by part the names of images and their labels; an array that is neither is refused: somebody meant it."""
    images, labels = _npz_named(source, held, _NPZ_IMAGES), _npz_named(source, held, _NPZ_LABELS)
    unused = sorted({*held} - {images[part] for part in images if part in labels} - {*labels.values()})
    unused += sorted(name for part, name in labels.items() if part not in images)
    paired = [part for part in images if part in labels]
    wanted = "x_train, y_train, x_test, y_test; or x, y; or images, labels"
    if not paired or (Part.TRAIN not in paired and paired != [Part.FREE]):
        raise errors.DatasetError(f"{source.name}: holds {', '.join(sorted(held)) or 'nothing'}; give {wanted}")
    if unused or (Part.FREE in paired and len(paired) > 1):
        odd = unused or [images[part] for part in paired if part is not Part.FREE]
        used = ", ".join(images[part] for part in paired if images[part] not in odd)
        raise errors.DatasetError(
            f"{source.name}: {', '.join(odd)}: not used beside {used}; each array of images needs its labels and the "
            f"name of a part ({wanted}): rename or remove it"
        )
    return {part: (images[part], labels[part]) for part in paired}


def _npz_named(source: Source, names: Iterable[str], kinds: Sequence[str]) -> dict[Part, str]:
    """Return by part (``FREE``: none named) the array that is called as one of ``kinds``."""
    found: dict[Part, str] = {}
    for name in sorted(names):
        part = _npz_part(name, kinds)
        if part in found:
            raise errors.DatasetError(f"{source.name}: {found[part]} and {name} are the same part; keep one of them")
        if part is not None:
            found[part] = name
    return found


def _npz_part(name: str, kinds: Sequence[str]) -> Part | None:
    folded = name.casefold()
    if folded in kinds:
        return Part.FREE
    first, _, rest = folded.partition("_")
    most, _, last = folded.rpartition("_")
    if first in kinds:
        return part_named(rest)
    return part_named(most) if last in kinds else None


def _animals(source: Source) -> tuple[list[ArrayBlock], Sequence[str]]:
    images, labels = (
        safe_pickles.read(
            gzip.decompress(downloads.read_member(Path(source.paths[0]), _ANIMALS.format(what))), origin=what
        )
        for what in ("data", "label")
    )
    return [ArrayBlock(name="animals", images=images, labels=labels)], ()


def _digits(source: Source) -> tuple[list[ArrayBlock], Sequence[str]]:
    rows = np.loadtxt(io.BytesIO(gzip.decompress(Path(source.paths[0]).read_bytes())), delimiter=",")
    images = rows[:, :-1].reshape(len(rows), 8, 8) / _BRIGHTEST_DIGIT
    return [ArrayBlock(name="digits", images=images, labels=rows[:, -1])], ()


def _idx(source: Source) -> tuple[list[ArrayBlock], Sequence[str]]:
    train, train_labels, test, test_labels = (_idx_array(Path(path)) for path in source.paths)
    return [
        ArrayBlock(name="train", images=train, labels=train_labels),
        ArrayBlock(name="test", images=test, labels=test_labels, part=Part.TEST),
    ], ()


def _idx_array(path: Path) -> Pixels:
    # Two zero bytes, the type (8: uint8), the number of axes, then each axis as a big-endian integer.
    data = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(data, dtype=">u4", count=data[3], offset=4)
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def _cifar(source: Source) -> tuple[list[ArrayBlock], Sequence[str]]:
    blocks, classes = [], source.classes
    with tarfile.open(source.paths[0]) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            name = PurePosixPath(member.name).name
            if name == "meta":
                names = _batch(archive, member)[b"fine_label_names"]
                classes = tuple(bytes(text).decode() for text in names)
            elif name in ("train", "test", "test_batch") or name.startswith("data_batch_"):
                blocks.append(_cifar_block(name, _batch(archive, member)))
    return blocks, classes


def _cifar_block(name: str, batch: Mapping[bytes, Any]) -> ArrayBlock:
    labels = batch[b"fine_labels"] if b"fine_labels" in batch else batch[b"labels"]
    planes = batch[b"data"].reshape(-1, 3, 32, 32)
    part = Part.TEST if name.startswith("test") else Part.FREE
    return ArrayBlock(name=name, images=planes.transpose(0, 2, 3, 1), labels=np.array(labels), part=part)


def _batch(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    stream = archive.extractfile(member)
    return safe_pickles.read(b"" if stream is None else stream.read(), origin=member.name)


_READERS: Mapping[str, Callable[[Source], tuple[list[ArrayBlock], Sequence[str]]]] = {
    "animals": _animals,
    "cifar": _cifar,
    "digits": _digits,
    "idx": _idx,
    "npz": _npz,
}
