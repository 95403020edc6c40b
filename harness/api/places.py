"""Folders that the command line is given."""

from __future__ import annotations

import os
from pathlib import Path

from harness import files
from harness.errors import UserError

RESULTS = Path("results")
"""Where results go unless told otherwise."""


def default_cache() -> Path:
    """Return where downloads, decoded images and activations go unless told otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tuner-harness"


def results_folder(path: Path) -> Path:
    """Return ``path``, which need not exist.

    Raises:
        UserError: A file stands in its way.
    """
    for place in (path, *path.parents):
        if place.is_file():
            raise UserError(f"{path}: {place} is a file; choose another folder with --results")
    return path


def cache_folder(path: Path) -> Path:
    """Return ``path`` as an absolute one that exists.

    Raises:
        UserError: It can't be a folder.
        OSError: The disk refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except files.WRONG_PATH as error:
        raise UserError(f"{path}: can't be made ({error.strerror}); choose another folder with --cache") from error
    return path.absolute()
