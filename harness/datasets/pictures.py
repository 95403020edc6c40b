"""One picture: decoded to RGB as a viewer would show it, resized to a square."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Pixels = NDArray[np.uint8]

# Pillow warns above this and refuses only twice as much; here the line is one.
LARGEST_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485

# What Pillow's decoders raise for a broken file; memory and programming errors are not among them.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


class Unreadable(ValueError):
    """A file that is no picture, or a broken one; ``str()`` is the reason, on one line."""


def decode(path: Path) -> Pixels:
    """Return the RGB pixels of an image file, (height, width, 3).

    Turned as EXIF says; the first frame of an animation; transparency on white; grey repeated; 16 bits scaled to 8.

    Raises:
        Unreadable: The file is broken, truncated, no image, or has more than ``LARGEST_PIXELS``.
    """
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > LARGEST_PIXELS:
                raise Unreadable(f"{opened.width}×{opened.height} pixels are more than {LARGEST_PIXELS:,}")  # noqa: TRY301 - one try for all that Pillow raises
            opened.load()
            return np.asarray(_rgb(ImageOps.exif_transpose(opened)))
    except Unreadable:
        raise
    except _BROKEN as error:
        raise Unreadable(" ".join(str(error).replace(str(path), path.name).split()) or type(error).__name__) from error


def repeat_grey(pixels: Pixels) -> Pixels:
    """Return (height, width) or (height, width, 1) pixels as (height, width, 3); three channels stay."""
    grey = pixels[..., None] if pixels.ndim == 2 else pixels  # noqa: PLR2004 - two axes are a grey picture
    return np.broadcast_to(grey, (*grey.shape[:2], 3))


def resize(pixels: Pixels, size: int) -> Pixels:
    """Return RGB pixels as (size, size, 3): bilinear with antialiasing, the aspect ratio not kept."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        return Image.fromarray(_eight_bits(np.asarray(picture))).convert("RGB")
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured).convert("RGB")
    return picture.convert("RGB")


def _eight_bits(deep: NDArray[np.integer]) -> Pixels:
    # 65535 is white, as 255 is: 65535 / 257 = 255.
    scaled: Pixels = np.rint(np.clip(deep, 0, 65535) / 257).astype(np.uint8)
    return scaled
