"""The console that commands print on."""

from __future__ import annotations

import sys

from rich.console import Console

_FILE_WIDTH = 130


def console() -> Console:
    """Return a console on standard output that takes names literally.

    Where that is no terminal, rich would guess eighty columns, too few for the tables.
    """
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
