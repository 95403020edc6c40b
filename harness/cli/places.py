"""Folders that the command line is given."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError

RESULTS = Path("results")
"""Where results go unless told otherwise."""


def cache_folder(path: Path) -> Path:
    """Return ``path`` as an absolute one that exists.

    Raises:
        UserError: It can't be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: can't be made ({error.strerror}); choose another folder with --cache") from error
    return path.absolute()
