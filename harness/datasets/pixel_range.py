"""Whether pixels come out as they are meant: numbers say nothing of what is white."""

from __future__ import annotations

import math

_WHITE = 255
# Half of white: pictures none of which is as bright are likelier of fewer bits, 0 to 1, 15 or 100, than all so dark.
_DIM = 128
# Floats that make no byte but 0 and 1 were divided once too often.
_BLACK = 1.5 / _WHITE


def too_dark(brightest: float, *, is_float: bool) -> str | None:
    """Return what is wrong with a data set whose brightest value is this, and the way out; None where nothing is."""
    if brightest <= 0:
        # Equal images of several classes, or of one, are told as such.
        return None
    if is_float:
        return (
            f"floats from 0 to {brightest:.3g}{_black('1')}; bring the brightest to 1" if brightest < _BLACK else None
        )
    if brightest >= _DIM:
        return None
    way_out = f"multiply by {math.floor(_WHITE / brightest)}"
    dark = "if they are meant to be so dark, divide by 255: floats from 0 to 1 are taken as they are"
    return f"whole numbers from 0 to {brightest:.0f}{_black('255')}; {way_out}; {dark}"


def _black(white: str) -> str:
    return f" alone, which are all black or nearly so where {white} is white"
