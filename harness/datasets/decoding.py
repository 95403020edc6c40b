"""One picture: decoded to RGB as a viewer would show it, resized to a square."""

from __future__ import annotations

import threading
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin, __version__

from harness import errors
from harness.datasets.image_folders import HEIC_SUFFIXES, WITHOUT_HEIC

try:
    import pillow_heif
except ImportError:  # an extra
    pillow_heif = None  # type: ignore[assignment]

Pixels = NDArray[np.uint8]

_BYTE = 255
_WHITE = 65_535
_POINTER = b"version https://git-lfs.github.com/spec/"

# Pillow warns above this and refuses only twice as much; here the line is one.
LARGEST_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485

# What a phone's camera makes is decoded by all threads at once; of more there is one at a time.
_LARGE_PIXELS = 1 << 24
_STRIP_PIXELS = 1 << 22
_ONE_AT_A_TIME = threading.Lock()

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP", *(() if pillow_heif is None else ("HEIF",)))
"""What is decoded, whatever a file's name says: Pillow knows some forty more, and of some it starts a program."""

DECODERS = (__version__, None if pillow_heif is None else pillow_heif.__version__)
"""What decides which pixels a file is: the versions of Pillow and of pillow-heif, None where that isn't there."""

if pillow_heif is not None:
    pillow_heif.register_heif_opener()

# Microscopes and generators write megabytes of text into a PNG, of which Pillow allows 1 MiB at a time and 64 in all.
PngImagePlugin.MAX_TEXT_CHUNK = 64 * 2**20
PngImagePlugin.MAX_TEXT_MEMORY = 256 * 2**20


class Unreadable(ValueError):
    """A file that is no picture, or a broken one; ``str()`` is the reason, on one line."""


def decode(path: Path) -> Pixels:
    """Return the RGB pixels of an image file, (height, width, 3).

    Turned as EXIF says; the first frame of an animation; transparency on white; grey repeated; 16 bits scaled to 8.
    Of threads that decode large pictures one works and the others wait.

    Raises:
        Unreadable: The file is broken, truncated, of none of ``FORMATS``, has more than ``LARGEST_PIXELS``, or values
            of which nothing says what is white.
        MachineError: There is no memory for so many pixels.
    """
    try:
        if pillow_heif is None and path.suffix.casefold() in HEIC_SUFFIXES:
            raise Unreadable(WITHOUT_HEIC)  # noqa: TRY301 - one try for all that Pillow raises
        with Image.open(path, formats=FORMATS) as opened:
            if opened.format == "PNG":
                _check(path)
            count = opened.width * opened.height
            if count > LARGEST_PIXELS:
                raise Unreadable(f"{opened.width}×{opened.height} pixels are more than {LARGEST_PIXELS:,}")  # noqa: TRY301 - one try for all that Pillow raises
            with _ONE_AT_A_TIME if count > _LARGE_PIXELS else nullcontext():
                ImageOps.exif_transpose(opened, in_place=True)
                return _in_strips(opened)
    except Unreadable:
        raise
    except MemoryError as error:
        raise errors.MachineError(
            f"{path}: there is no memory to decode it; end other programs, or leave it out"
        ) from error
    except Exception as error:  # a decoder meets bytes that nobody foresaw: whatever it raises is the file's
        raise Unreadable(_reason(error, path)) from error


def _reason(error: Exception, path: Path) -> str:
    """Return what a decoder says, without where the file lies."""
    with suppress(OSError):
        with path.open("rb") as stream:
            beginning = stream.read(len(_POINTER))
        if not beginning:
            return "an empty file"
        if beginning == _POINTER:
            return "a pointer of Git LFS in the image's place; git lfs pull fetches the image"
    said = str(error)
    for spelt in (str(path), repr(str(path))[1:-1]):
        said = said.replace(spelt, path.name)
    return " ".join(said.split()) or type(error).__name__


def _in_strips(opened: Image.Image) -> Pixels:
    """Return RGB pixels, made from some rows at a time: each step in between holds three or four bytes for a pixel."""
    opened.load()
    width, height = opened.size
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(_rgb(opened.crop((0, top, width, bottom))))
    if _is_deep(opened) and pixels.max() <= 1:
        _refuse_black(np.asarray(opened))
    return pixels


def _refuse_black(deep: NDArray[np.integer]) -> None:
    """Refuse a picture of 16 bits or more that has fewer in truth: nothing but black would be left of it."""
    if deep.max() > 0:
        raise Unreadable(
            f"values from {deep.min()} to {deep.max()}, all black where {_WHITE:,} is white; save it with 8 bits, or "
            f"scale it"
        )


def _check(path: Path) -> None:
    """Raise what Pillow does where a PNG's checksums are wrong: reading pixels it skips them, and rows stay black."""
    with Image.open(path, formats=("PNG",)) as opened:
        opened.verify()


def repeat_grey(pixels: Pixels) -> Pixels:
    """Return (height, width) or (height, width, 1) pixels as (height, width, 3); three channels stay."""
    grey = pixels[..., None] if pixels.ndim == 2 else pixels  # noqa: PLR2004 - two axes are a grey picture
    return np.broadcast_to(grey, (*grey.shape[:2], 3))


def resize(pixels: Pixels, size: int) -> Pixels:
    """Return RGB pixels as (size, size, 3): bilinear with antialiasing, the aspect ratio not kept."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F":
        raise Unreadable("floating-point pixels, of which nothing says what is white; save it with 8 or 16 bits")
    if _is_deep(picture):
        _check_depth(np.asarray(picture))
        return _on_white(Image.fromarray(_eight_bits(np.asarray(picture))), _transparent(picture))
    transparent = picture.info.get("transparency")
    if picture.mode == "RGB" and isinstance(transparent, tuple) and max(transparent) > _BYTE:
        # The colour is named in 16 bits, of which Pillow keeps each pixel's upper eight.
        picture.info["transparency"] = tuple(value >> 8 for value in transparent)
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured).convert("RGB")
    return picture.convert("RGB")


def _is_deep(picture: Image.Image) -> bool:
    return picture.mode == "I" or picture.mode.startswith("I;16")


def _check_depth(deep: NDArray[np.integer]) -> None:
    if deep.min() < 0 or deep.max() > _WHITE:
        raise Unreadable(
            f"values from {deep.min()} to {deep.max()}; save it with 8 or 16 bits, 0 black and {_WHITE:,} white"
        )


def _transparent(deep: Image.Image) -> NDArray[np.bool_] | None:
    """Return where 16-bit grey has the one value that stands for transparent; None where none does."""
    value = deep.info.get("transparency")
    return np.asarray(deep) == value if isinstance(value, int) else None


def _on_white(grey: Image.Image, transparent: NDArray[np.bool_] | None) -> Image.Image:
    if transparent is None:
        return grey.convert("RGB")
    return Image.fromarray(np.where(transparent, _BYTE, np.asarray(grey)).astype(np.uint8)).convert("RGB")


def _eight_bits(deep: NDArray[np.integer]) -> Pixels:
    scaled: Pixels = np.rint(deep / (_WHITE / _BYTE)).astype(np.uint8)
    return scaled
