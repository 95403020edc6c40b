"""How large images are trained, and how many of them, so that preparing them leaves time for the searches."""

from __future__ import annotations

from dataclasses import dataclass

LARGE, SMALL = 160, 96
"""The sides in pixels that are proposed; MobileNet's published weights are for these, among others."""

# What a processor decodes and takes through a frozen backbone of two to five million parameters at 160 pixels.
_PER_PROCESSOR_S = 20.0
_SHARE = 0.5
_BACKBONES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """The side that images are resized to, and the most that are used; None: all of them."""

    image_size: int
    max_images: int | None


def amount(images: int | None, *, seconds: float, processors: int) -> ImageLimits:
    """Return what can be prepared within half of ``seconds``: large images, else small, else some of them."""
    pace = _PER_PROCESSOR_S * processors / _BACKBONES
    most_large = int(seconds * _SHARE * pace)
    if images is not None and images <= most_large:
        return ImageLimits(image_size=LARGE, max_images=None)
    most_small = int(most_large * (LARGE / SMALL) ** 2)
    is_all = images is None or images <= most_small
    return ImageLimits(image_size=SMALL, max_images=None if is_all else max(most_small, 100))
