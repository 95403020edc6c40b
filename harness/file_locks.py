"""Locks on open files that end with their process. Windows has none such: there, nothing is locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
else:
    try:
        from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
    except ModuleNotFoundError:
        LOCK_EX = LOCK_NB = LOCK_SH = 0

        def flock(_handle: object, _operation: int) -> None:
            """Lock nothing."""


__all__ = ["LOCK_EX", "LOCK_NB", "LOCK_SH", "flock"]
