"""Archives unpacked without trust in what they hold."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from harness import errors

# The last three: one path both as a file and as a folder.
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
)
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much an archive may unpack to."""

    files: int = 2_000_000
    unpacked_bytes: int = 64 << 30


def unpack(archive: Path, folder: Path, *, limits: Limits | None = None) -> None:
    """Write the folders and files of a tar or zip ``archive`` into ``folder``, which is empty.

    Only plain files and folders below ``folder`` are written; permissions and owners are not taken over.

    Raises:
        DatasetError: The archive is broken, larger than ``limits``, or holds a link, a device, an absolute path or
            a path that leaves ``folder``.
    """
    members = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    allowed = limits or Limits()
    left_bytes = allowed.unpacked_bytes
    try:
        for number, (name, stream) in enumerate(members(archive), start=1):
            target = folder / _inside(archive, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            left_bytes -= _copy(stream, target, at_most=left_bytes + 1)
            if left_bytes < 0 or number > allowed.files:
                most = f"{allowed.unpacked_bytes:,} bytes or {allowed.files:,} files"
                raise errors.DatasetError(f"{archive}: unpacks to more than {most}; not unpacked")
    except _BROKEN as error:
        raise errors.DatasetError(f"{archive}: can't be unpacked ({error}); delete it to fetch it anew") from error


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isdir():
                continue
            stream = opened.extractfile(member) if member.isreg() else None
            if stream is None:
                raise errors.DatasetError(f"{archive}: holds {member.name!r}, a link or device; not unpacked")
            with stream:
                yield member.name, stream


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if member.is_dir():
                continue
            # Zip files made on Unix keep the file's mode here; others leave it 0.
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise errors.DatasetError(f"{archive}: holds {member.filename!r}, a link or device; not unpacked")
            with opened.open(member) as stream:
                yield member.filename, stream


def _inside(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    leaves = path.is_absolute() or ".." in path.parts or "\\" in name
    if leaves or not path.parts or ":" in path.parts[0]:
        raise errors.DatasetError(f"{archive}: holds {name!r}, a path that leaves its folder; not unpacked")
    return path


def _copy(stream: IO[bytes], target: Path, *, at_most: int) -> int:
    # Sizes that an archive announces may lie: what is counted is what comes out.
    copied = 0
    with target.open("wb") as written:
        while copied < at_most and (chunk := stream.read(min(_CHUNK_BYTES, at_most - copied))):
            written.write(chunk)
            copied += len(chunk)
    return copied
