"""One look for one tuner wherever it is drawn: its colour, its dash and its marker.

A colour stands for a way of searching, so that a tuner and its pruned variants, or the same idea in two libraries,
look related; dash and marker tell these apart, in print and for those who see few colours. The hues are those of Okabe
and Ito (Color Universal Design, 2008), moved until each has a contrast of 3 : 1 or more with its background (WCAG 2.2,
1.4.11) and any two stay apart for people without red, green or blue cones (simulated after Machado, Oliveira and
Fernandes 2009).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.catalogue.tuners import KNOWN

LIGHT_BACKGROUND = "#FFFFFF"
"""What ``Style.light`` is drawn on."""

DARK_BACKGROUND = "#15181C"
"""What ``Style.dark`` is drawn on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunerKind:
    """What a tuner is, whatever a matrix calls it; None where no record says so."""

    tuner: str | None = None
    pruner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a tuner is drawn.

    ``light`` and ``dark`` are the colour as ``#RRGGBB`` on a light and on a dark background. ``dash`` is how long the
    line is on, off, on and so on, in multiples of its width; empty is solid. ``marker`` is matplotlib's letter.
    """

    light: str
    dark: str
    dash: tuple[float, ...]
    marker: str


_NEUTRAL = ("#222222", "#F2F2F2")
_OLIVE = ("#776708", "#E0D428")
_BLUE = ("#146EBB", "#1A9EFD")
_ORANGE = ("#DF760B", "#FD8041")
_GREEN = ("#53A07F", "#70D9B2")
_MAGENTA = ("#AF2A80", "#B978A6")
_INDIGO = ("#2C0093", "#6652D3")
_WINE = ("#763142", "#CC2947")

# By the names that declarations of tuners use.
_BY_NAME = {
    "neutral": _NEUTRAL,
    "olive": _OLIVE,
    "blue": _BLUE,
    "orange": _ORANGE,
    "green": _GREEN,
    "magenta": _MAGENTA,
    "indigo": _INDIGO,
    "wine": _WINE,
}
_DASHES: Mapping[str, tuple[float, ...]] = {
    "solid": (),
    "dashed": (5.0, 2.0),
    "dotted": (1.0, 1.4),
    "long": (12.0, 2.5),
    "dash-dot": (7.0, 1.5, 1.0, 1.5),
    "dash-dot-dot": (9.0, 1.5, 1.0, 1.5, 1.0, 1.5),
}
_PRUNERS: Mapping[str, tuple[tuple[float, ...], str]] = {
    "median": ((3.0, 1.2, 1.0, 1.2), "<"),
    "percentile": ((1.5, 1.2), ">"),
    "asha": ((3.0, 1.2), "v"),
    "hyperband": ((6.0, 1.2, 1.0, 1.2, 1.0, 1.2), "^"),
    "patient": ((8.0, 2.0), "p"),
}
_UNPRUNED = (None, "none")

_COLOURS = (_BLUE, _ORANGE, _GREEN, _MAGENTA, _INDIGO, _WINE, _OLIVE, _NEUTRAL)
# For names of a matrix's own: none of these is a known tuner's.
_OTHER_DASHES = ((4.0, 1.0, 2.0, 1.0), (2.0, 2.0), (10.0, 1.5, 2.0, 1.5), (6.0, 3.0))
_OTHER_MARKERS = ("d", "H", "8")


def of_kind(tuner: str, pruner: str = "none") -> Style | None:
    """Return the fixed look of a tuner that the harness knows, with its pruner; None for any other."""
    declared = KNOWN.get(tuner)
    if declared is None or declared.drawn_as is None:
        return None
    colour, dash, marker = _BY_NAME[declared.drawn_as.colour], _DASHES[declared.drawn_as.dash], declared.drawn_as.marker
    if pruner in _UNPRUNED:
        return _style(colour, dash, marker)
    return _style(colour, *_PRUNERS[pruner]) if pruner in _PRUNERS else None


def styles(kinds: Mapping[str, TunerKind]) -> dict[str, Style]:
    """Return a look for each tuner of a matrix, by the matrix's name of it; no two are alike while looks last.

    The first name of a kind, in the mapping's order, has the kind's fixed look. A kind's further names keep its
    colour; their dash and marker, and every look of a tuner of unknown kind, follow from the name alone unless
    another has them already.
    """
    found: dict[str, Style] = {}
    for name in sorted(kinds, key=lambda name: name not in KNOWN):
        fixed = _fixed(name, kinds[name])
        taken = set(found.values())
        found[name] = fixed if fixed is not None and fixed not in taken else _free(name, fixed, taken)
    return {name: found[name] for name in kinds}


def _fixed(name: str, kind: TunerKind) -> Style | None:
    if kind.tuner is not None:
        return of_kind(kind.tuner, kind.pruner or "none")
    tuner, _, pruner = name.partition("+")
    return of_kind(tuner, pruner or "none")


def _free(name: str, like: Style | None, taken: set[Style]) -> Style:
    candidates = list(_others(like))
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % len(candidates)
    turned = [*candidates[start:], *candidates[:start]]
    return next((style for style in turned if style not in taken), turned[0])


def _others(like: Style | None) -> Iterator[Style]:
    colours = _COLOURS if like is None else ((like.light, like.dark),)
    for colour, dash, marker in itertools.product(colours, _OTHER_DASHES, _OTHER_MARKERS):
        yield _style(colour, dash, marker)


def _style(colour: tuple[str, str], dash: tuple[float, ...], marker: str) -> Style:
    return Style(light=colour[0], dark=colour[1], dash=dash, marker=marker)
