"""Importing the trainer and the tuners' libraries, which takes most of a short search's life."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage while the block imports, and never among what it imported.

    Modules stay: collecting among TensorFlow's millions of objects costs a tenth of the start-up and finds nothing.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
