"""How matplotlib is told of a tuner's look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.tuner_plot_styles import Style

Looks = Mapping[str, Style]
"""The look of each tuner, by the matrix's name of it."""


def marked(style: Style) -> dict[str, Any]:
    """Return how matplotlib is told of a tuner's mark."""
    return {"color": style.light, "marker": style.marker}


def lined(style: Style) -> dict[str, Any]:
    """Return how matplotlib is told of a tuner's line."""
    return {"color": style.light, "linestyle": (0, style.dash) if style.dash else "solid"}
