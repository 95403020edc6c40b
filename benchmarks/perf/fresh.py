"""Each side in a process of its own, so that neither inherits the other's memory, graphs or settings."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def call(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """Call ``function``, of an importable module, in a fresh process and return what it returns."""
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawning) as pool:
        return pool.submit(function, *arguments, **named).result()
