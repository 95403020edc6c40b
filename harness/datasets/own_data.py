"""Pictures that code of the user's own reads from data of the user's, each kept as a file in the cache."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from numbers import Integral
from pathlib import Path

import numpy as np
from PIL import Image

from harness import atomic_folders, errors
from harness.datasets import cached_image_lists, class_names, extracted_images, pixel_range
from harness.datasets.decoding import Pixels, repeat_grey
from harness.datasets.extracted_images import Picture
from harness.datasets.part_aliases import Part, part_named
from harness.datasets.verified_sources import Source
from harness.extensions import DATA, loading

_NEEDED, _ALLOWED = ("image", "label"), ("name", "part", "group")
_WHITE = 255


def unpacked(source: Source, *, cache: Path) -> Source:
    """Return the files that pictures were written to; the user's code is run at the first call.

    Raises:
        DatasetError: What it reads is no data set.
        MachineError: The file or package isn't what it was when the cell was planned.
    """
    folder = atomic_folders.folder((cache / source.place).absolute(), partial(_unpack, source))
    return replace(source, kind="table", paths=(str(folder / cached_image_lists.NAME),), reader=None)


def _unpack(source: Source, folder: Path) -> None:
    own, options = source.own_code, (source.reader or {})["options"]
    code, data = Path(own.get("path", loading.called(own))), Path(source.paths[-1])
    made = loading.maker(DATA, own)(data, **options)
    if isinstance(made, str | bytes | Mapping) or not isinstance(made, Iterable):
        raise _wrong(code, f"read returned {type(made).__name__}, and not pictures one after the other")
    extracted_images.write(folder, pictures(made, code, data if data.is_dir() else data.parent), origin=code)


def pictures(made: Iterable[object], code: Path, folder: Path) -> Iterator[Picture]:
    """Yield what ``read`` yields, once it is checked.

    Args:
        made: Mappings, see docs/add-a-data-set.md.
        code: What made them, for messages.
        folder: The folder of the data, in which images that are given by their path lie.

    Raises:
        DatasetError: One is no picture with a label.
    """
    has_parts: bool | None = None
    for number, each in enumerate(_none_dark(made, code)):
        place = f"picture {number}"
        if not isinstance(each, Mapping):
            raise _wrong(code, f"{place} is {type(each).__name__}, and no mapping with image and label")
        unknown = [str(key) for key in each if key not in (*_NEEDED, *_ALLOWED)]
        lacking = [key for key in _NEEDED if key not in each]
        if unknown or lacking:
            what = f"has {unknown[0]!r}" if unknown else f"lacks {lacking[0]!r}"
            raise _wrong(code, f"{place} {what}; it is a mapping with image and label, and name, part, group if known")
        part = _part(each.get("part"), code, place)
        if has_parts is not None and has_parts != (part is not Part.FREE):
            raise _wrong(code, f"{place}: a part is given for some pictures alone; give one for each, or for none")
        has_parts = part is not Part.FREE
        group = each.get("group")
        data, file_name = _data(each["image"], folder, code, place)
        yield Picture(
            data=data,
            label=_text(each["label"], "label", code, place),
            name=str(each.get("name", f"[{number}]")),
            part=part,
            group=None if group is None else _text(group, "group", code, place),
            file_name=file_name,
        )


def _none_dark(made: Iterable[object], code: Path) -> Iterator[object]:
    """Yield the same; at the end refuse arrays none of which is bright anywhere, as one by one they may be dark."""
    brightest: dict[bool, float] = {}
    for each in made:
        yield each
        # By now it was checked.
        image = each["image"] if isinstance(each, Mapping) else b""
        if not isinstance(image, bytes | str | Path | Image.Image):
            pixels = np.asarray(image)
            is_float = pixels.dtype.kind == "f"
            brightest[is_float] = max(brightest.get(is_float, 0.0), float(pixels.max()))
    for is_float, value in brightest.items():
        wrong = pixel_range.too_dark(value, is_float=is_float)
        if wrong is not None:
            raise _wrong(code, wrong)


def _wrong(code: Path, text: str) -> errors.DatasetError:
    return errors.DatasetError(f"{code.name}: {text}; {DATA.guide} shows one")


def _text(value: object, what: str, code: Path, place: str) -> str:
    plain = int(value) if isinstance(value, Integral) else value
    if not isinstance(plain, str | int) or class_names.says_nothing(str(plain)):
        raise _wrong(code, f"{place}: its {what} is {value!r}, and neither text nor a whole number")
    return str(plain)


def _part(value: object, code: Path, place: str) -> Part:
    if value is None:
        return Part.FREE
    part = part_named(str(value))
    if part is None:
        raise _wrong(code, f"{place}: no part is called {value!r}; give train, validation or test")
    return part


def _data(image: object, folder: Path, code: Path, place: str) -> tuple[bytes, str | None]:
    """Return the bytes of an image file, and what that was called if it is one of the user's."""
    if isinstance(image, bytes):
        return image, None
    if isinstance(image, str | Path):
        return _file(folder / image, folder, code, place), Path(image).name
    array = np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)) or not array.size:  # noqa: PLR2004 - axes
        shape = "×".join(map(str, array.shape)) or type(image).__name__
        raise _wrong(code, f"{place}: its image is {shape}, and no (height, width[, 1 or 3]), file or bytes of a file")
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(repeat_grey(_bytes(array, code, place)))).save(stream, "PNG", compress_level=1)
    return stream.getvalue(), None


def _file(path: Path, folder: Path, code: Path, place: str) -> bytes:
    # What lies elsewhere was not hashed, and a container doesn't see it.
    if not path.resolve().is_relative_to(folder.resolve()):
        raise _wrong(code, f"{place}: {path} lies outside of the data; give a path below {folder}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise _wrong(code, f"{place}: {path} can't be read ({error.strerror})") from error


def _bytes(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], code: Path, place: str) -> Pixels:
    brightest = 1 if array.dtype.kind == "f" else _WHITE
    if array.dtype.kind not in "fiu" or not (array.min() >= 0 and array.max() <= brightest):
        spread = f" from {array.min()} to {array.max()}" if array.dtype.kind in "fiu" else ""
        raise _wrong(
            code, f"{place}: its values are {array.dtype}{spread}; give uint8 from 0 to 255, or floats from 0 to 1"
        )
    return np.rint(array * _WHITE).astype(np.uint8) if brightest == 1 else array.astype(np.uint8)
