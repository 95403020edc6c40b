"""Files that are whole or absent, and hashes of what they hold."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, overload

_STDOUT = 1
# What Windows lacks of these is left out; only there need bytes be asked for.
_PLAIN_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
_ASIDE = re.compile(r"\..+\.\d+\.[0-9a-f]{8}")

DISK_TROUBLE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or raise the quota",
    errno.EIO: "check the disk",
    errno.EROFS: "make it writable",
    errno.EACCES: "allow it, or choose another folder",
    errno.EPERM: "allow it, or choose another folder",
    errno.EFBIG: "raise the limit on a file's size (ulimit -f)",
    errno.ESTALE: "mount it again",
    errno.ENOLCK: "choose a folder on a disk that can lock files",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "remove the link that leads to itself",
    errno.EISDIR: "a folder is in the file's place: move it",
    errno.ENOTDIR: "a file is in a folder's place: move it",
}
"""What the disk does to whoever writes, by its number, and the way out."""

WRONG_PATH = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError)
"""What says that a path can't be one: whoever named it is mistaken, and no disk is in trouble."""


def disk_trouble(error: BaseException, *, place: str) -> str | None:
    """Return an error of the disk in one line with the way out, or None for any other error.

    ``place`` stands for the file where the error names none.
    """
    if not isinstance(error, OSError) or error.errno not in DISK_TROUBLE:
        return None
    return f"{error.filename or place}: {error.strerror}; {DISK_TROUBLE[error.errno]}, then run again"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let the disk's trouble name ``path`` where it names no file, or one that stands for it until it is whole."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_TROUBLE and (error.filename is None or is_aside(Path(os.fsdecode(error.filename)))):
            error.filename = str(path)
        raise


def is_aside(path: Path) -> bool:
    """Whether a file has the name of one that is not yet what it is to become."""
    return _ASIDE.fullmatch(path.name) is not None


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` aside, flush it to the disk, then rename it to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with naming(path):
        try:
            with aside.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        _sync_folder(path.parent)


def write_output(path: Path, data: bytes) -> None:
    """Write ``data`` to where a user wants it, a file atomically; links stay, and so do devices and pipes."""
    if _is_stdout(path):
        # By its own descriptor: what was written there, and what is still to be printed, is kept.
        with os.fdopen(os.dup(_STDOUT), "wb") as stream:
            stream.write(data)
    elif path.exists() and not path.is_file():
        with naming(path):
            path.write_bytes(data)
    else:
        write_atomically(path.resolve(), data)


def asides(folder: Path) -> list[Path]:
    """Return the files that a killed ``write_atomically`` left beside what it was to write."""
    return [path for path in folder.glob(".*") if is_aside(path) and path.is_file()]


def write_json(path: Path, value: object) -> None:
    """Store ``value`` atomically as indented UTF-8 JSON."""
    write_atomically(path, readable_json(value))


def readable_json(value: object) -> bytes:
    """Return ``value`` as indented UTF-8 JSON."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def canonical_json(value: object) -> bytes:
    """Return the one spelling of ``value``: sorted keys, no spaces; NaN is refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: object) -> str:
    """Return the SHA-256 of ``value``'s canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def located(base: Path, given: str) -> Path:
    """Return where the path that a user gave leads, be there anything or not; a relative one begins at ``base``.

    Raises:
        OSError: It leads nowhere, as a loop of links does, or a name that is too long or holds a null byte.
    """
    try:
        path = base / Path(given).expanduser()
        # The system says what is wrong with a path; Path.resolve has errors of its own, or none.
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from error
    except RuntimeError as error:
        raise OSError(errno.ENOENT, str(error)) from error
    return path.resolve()


@overload
def without_home(value: str) -> str: ...
@overload
def without_home(value: None) -> None: ...
@overload
def without_home(value: Mapping[str, object]) -> dict[str, object]: ...
def without_home(value: object) -> object:
    """Return JSON's ``value`` with ``~`` for the user's own folder, in every text of it."""
    try:
        home = Path.home()
    except RuntimeError:
        return value
    return value if home == Path("/") else _replaced(value, f"{home}/")


def _replaced(value: object, home: str) -> object:
    if isinstance(value, str):
        return value.replace(home, "~/")
    if isinstance(value, dict):
        return {key: _replaced(each, home) for key, each in value.items()}
    return [_replaced(each, home) for each in value] if isinstance(value, (list, tuple)) else value


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_plain(path: Path) -> BinaryIO:
    """Open a file in a results folder, which may be a stranger's: no link, which could lead to any file, and no pipe.

    Raises:
        FileNotFoundError: There is none.
        OSError: It is a link, no plain file, or can't be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _PLAIN_FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "a link, which is not followed here", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "no plain file", str(path))
    return os.fdopen(handle, "rb")


def read_plain(path: Path) -> bytes:
    """Return the bytes of a file that ``open_plain`` opens."""
    with open_plain(path) as stream:
        return stream.read()


def _is_stdout(path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(_STDOUT))
    except OSError:
        return False


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        # Windows opens no folder.
        return
    # A rename is only durable once the folder itself has reached the disk.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
