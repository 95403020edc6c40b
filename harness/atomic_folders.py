"""Cache folders that are whole or absent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness import file_locks, files


def folder(path: Path, build: Callable[[Path], None]) -> Path:
    """Return ``path``, filled by ``build`` aside and then renamed; one that is there already is taken as it is.

    Where another process is building the same folder, its end is waited for. What a killed one left half done is
    removed first.

    Raises:
        OSError: The disk's trouble names ``path`` where it names no file of its own.
    """
    if not path.is_dir():
        with files.naming(path), _alone(path):
            # Another may have been faster.
            if not path.is_dir():
                _build(path, build)
    return path


def _build(path: Path, build: Callable[[Path], None]) -> None:
    aside = path.with_name(f".{path.name}.part")
    # Whoever began it holds the lock no more.
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir()
        build(aside)
        # One call for what may be thousands of files: after a power cut, a named folder holds what was written.
        os.sync()
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that ends with its process, in whichever container that is; whoever waits takes it next."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    with ExitStack() as stack:
        handle = stack.enter_context(_held(lock))
        while not _is_at(lock, handle):
            # The one that held it has taken the file away.
            handle = stack.enter_context(_held(lock))
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextmanager
def _held(lock: Path) -> Iterator[int]:
    # Read only: who may read a lock may hold it, whoever made it.
    handle = os.open(lock, os.O_RDONLY | os.O_CREAT, 0o666)
    try:
        file_locks.flock(handle, file_locks.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
