"""What an installed package holds, as the host and a worker each find it; nothing of it is imported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from harness import files

_COMPILED = "__pycache__"


def hash_of(entry_point: str) -> str:
    """Return the SHA-256 over an entry point and every file of the top-level module or package that it names.

    The entry point is part of it, as one package may have several. Bytecode and hidden files are not.

    Raises:
        LookupError: It has no files here; the text says why, as the end of a sentence.
    """
    place = _place(entry_point.partition(":")[0].partition(".")[0])
    overall = hashlib.sha256(f"{entry_point}\n".encode())
    try:
        for path in [place] if place.is_file() else sorted(_within(place)):
            overall.update(f"{path.relative_to(place.parent).as_posix()}\0{files.sha256_of(path)}\n".encode())
    except OSError as error:
        raise LookupError(f"{error.filename} can't be read ({error.strerror})") from error
    return overall.hexdigest()


def _place(module: str) -> Path:
    """Return the file or the folder of a top-level module."""
    try:
        found = find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise LookupError(f"there is no module {module}")
    if found.origin is None or not Path(found.origin).is_file():
        raise LookupError(f"module {module} has no file of its own (of a namespace package several may have parts)")
    # A package is searched for its modules, a module isn't.
    return Path(found.origin).parent if found.submodule_search_locations is not None else Path(found.origin)


def _within(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part == _COMPILED or part.startswith(".") for part in parts):
            yield path
