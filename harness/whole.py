"""Cache folders that are whole or absent."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

_ABANDONED_S = 24 * 3600


def folder(path: Path, build: Callable[[Path], None]) -> Path:
    """Return ``path``, filled by ``build`` aside and then renamed; one that is there already is taken as it is.

    Several processes may do so at once: the first to finish wins, the others' work is thrown away. What a killed
    process left half done is removed after a day, by whoever builds the same folder.
    """
    if path.is_dir():
        return path
    _sweep(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        aside.mkdir(parents=True)
        build(aside)
        # One call for what may be thousands of files: after a power cut, a named folder holds what was written.
        os.sync()
        _rename(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return path


def _sweep(path: Path) -> None:
    # By age, not by process: another machine or container may be building on the same disk.
    now = datetime.now(UTC).timestamp()
    for aside in path.parent.glob(f".{path.name}.*"):
        with suppress(FileNotFoundError):
            if now - aside.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(aside, ignore_errors=True)


def _rename(aside: Path, path: Path) -> None:
    try:
        aside.rename(path)
    except OSError:
        if not path.is_dir():
            raise
