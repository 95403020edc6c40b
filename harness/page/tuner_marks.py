"""A tuner's mark as SVG, as every drawing has it: colour by its class, dash of its line, and marker."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.tuner_plot_styles import Style

# matplotlib's marker letters as corners on a circle: how many, turned by how much, and how deep a star's notches are.
_CORNERS = {
    "s": (4, 45, 1.0),
    "D": (4, 0, 1.0),
    "d": (4, 0, 1.0),
    "h": (6, 0, 1.0),
    "H": (6, 30, 1.0),
    "8": (8, 22.5, 1.0),
    "p": (5, 0, 1.0),
    "^": (3, 0, 1.0),
    "v": (3, 180, 1.0),
    "<": (3, 270, 1.0),
    ">": (3, 90, 1.0),
    "P": (4, 0, 0.45),
    "X": (4, 45, 0.45),
    "*": (5, 0, 0.45),
}
_SIZE = 5.0
_DASH = 2.2


def mark(marker: str, *, across: float = 0.0, up: float = 0.0) -> str:
    """Return the marker around a point, in pixels."""
    if marker not in _CORNERS:
        return f'<circle class="mark" cx="{across:g}" cy="{up:g}" r="{0.9 * _SIZE:g}"/>'
    count, turn, notch = _CORNERS[marker]
    sides = count if notch == 1 else 2 * count
    narrow = 0.6 if marker == "d" else 1.0
    tips = []
    for number in range(sides):
        angle = math.radians(turn + 360 * number / sides)
        radius = 1.2 * _SIZE * (notch if number % 2 else 1.0)
        tips.append(f"{across + radius * narrow * math.sin(angle):.1f},{up - radius * math.cos(angle):.1f}")
    return f'<polygon class="mark" points="{" ".join(tips)}"/>'


def swatch(number: int, look: Style) -> str:
    """Return a tuner's line and marker, in the colour of class ``tuner-<number>``."""
    dash = " ".join(f"{_DASH * part:g}" for part in look.dash)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    line = f'<path class="line" d="M1 7H31"{dashed}/>'
    drawn = f"{line}{mark(look.marker, across=16, up=7)}"
    # Where there is less room, the marker stays and the ends of the line go.
    box = 'width="32" height="14" viewBox="0 0 32 14" preserveAspectRatio="xMidYMid slice"'
    return f'<svg {box} aria-hidden="true" class="swatch tuner-{number}">{drawn}</svg>'


def swatch_of(tuner: str, looks: Mapping[str, Style]) -> str:
    """Return a tuner's swatch; nothing for what has no look, as retrainings have none."""
    return swatch(list(looks).index(tuner), looks[tuner]) if tuner in looks else ""
