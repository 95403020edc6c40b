"""Cache folders that are whole or absent."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path


def folder(path: Path, build: Callable[[Path], None]) -> Path:
    """Return ``path``, filled by ``build`` aside and then renamed; one that is there already is taken as it is.

    Several processes may do so at once: the first to finish wins, the others' work is thrown away.
    """
    if path.is_dir():
        return path
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


def _rename(aside: Path, path: Path) -> None:
    try:
        aside.rename(path)
    except OSError:
        if not path.is_dir():
            raise
