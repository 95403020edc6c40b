"""Archives unpacked without trust in what they hold."""

from __future__ import annotations

import errno
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from harness import errors

# What the disk answers to names alone: too long, or one path both as a file and as a folder.
_OF_NAMES = frozenset({errno.ENAMETOOLONG, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.EILSEQ})
_CHUNK_BYTES = 1 << 20
_MOST_SHOWN = 80
_ENCRYPTED = 0x1

# A name and the file's bytes; no bytes for a folder.
_Member = tuple[str, IO[bytes] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackLimits:
    """How much an archive may unpack to; folders count as files do."""

    files: int = 2_000_000
    unpacked_bytes: int = 64 << 30


def unpack(archive: Path, folder: Path, *, limits: UnpackLimits | None = None) -> None:
    """Write the folders and files of a tar or zip ``archive`` into ``folder``.

    Only plain files and folders below ``folder`` are written; permissions and owners are not taken over.

    Raises:
        DatasetError: The archive is broken, cut off, encrypted, larger than ``limits``, or holds a link, a device, an
            absolute path, a path that leaves ``folder`` or one that no disk takes.
    """
    try:
        _unpack(archive, folder, limits or UnpackLimits())
    except errors.HarnessError:
        raise
    except OSError as error:
        if error.errno is not None and error.errno not in _OF_NAMES:
            raise
        raise _broken(archive, error) from error
    except Exception as error:  # bytes that nobody foresaw: whatever their reader raises is the archive's
        raise _broken(archive, error) from error


def _unpack(archive: Path, folder: Path, limits: UnpackLimits) -> None:
    # A tar first: one that ends with a zip file would pass for a zip.
    members = _tar_members if tarfile.is_tarfile(archive) else _zip_members
    left_bytes = limits.unpacked_bytes
    for number, (name, stream) in enumerate(members(archive), start=1):
        if number > limits.files:
            raise _too_large(archive, limits)
        if stream is None and not PurePosixPath(name).parts:
            continue  # "./", which stands for the whole
        target = folder / _inside(archive, name)
        if stream is None:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        left_bytes -= _copy(stream, target, at_most=left_bytes + 1)
        if left_bytes < 0:
            raise _too_large(archive, limits)


def _broken(archive: Path, error: Exception) -> errors.DatasetError:
    why = (error.strerror if isinstance(error, OSError) else None) or errors.reason(error)
    return errors.DatasetError(f"{archive}: can't be unpacked ({why}); delete it to fetch it anew")


def _too_large(archive: Path, limits: UnpackLimits) -> errors.DatasetError:
    most = f"{limits.unpacked_bytes:,} bytes or {limits.files:,} files"
    return errors.DatasetError(f"{archive}: unpacks to more than {most}; not unpacked")


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isdir():
                yield member.name, None
                continue
            stream = opened.extractfile(member) if member.isreg() else None
            if stream is None:
                raise errors.DatasetError(f"{archive}: holds {_shown(member.name)}, a link or device; not unpacked")
            with stream:
                yield member.name, stream
        _check_end(opened)


def _check_end(opened: tarfile.TarFile) -> None:
    """Raise where a tar lacks the block of zeros that ends it: Python takes a cut, or garbage, for the end."""
    # The block that ended the reading: it lies in the buffer still, so that going back to it unpacks nothing anew.
    stream = opened.fileobj
    if stream is not None:
        stream.seek(opened.offset)
        if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("cut off, or damaged within")
        stream.read(_CHUNK_BYTES)  # to the end of what is packed, where its checksum stands


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if member.is_dir():
                yield member.filename, None
                continue
            # Zip files made on Unix keep the file's mode here; others leave it 0.
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise errors.DatasetError(f"{archive}: holds {_shown(member.filename)}, a link or device; not unpacked")
            if member.flag_bits & _ENCRYPTED:
                shown = _shown(member.filename)
                raise errors.DatasetError(
                    f"{archive}: holds {shown}, which is encrypted; unpack it yourself and give its folder as path"
                )
            with opened.open(member) as stream:
                yield member.filename, stream


def _inside(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    leaves = path.is_absolute() or ".." in path.parts or "\\" in name
    if leaves or not path.parts or ":" in path.parts[0]:
        raise errors.DatasetError(f"{archive}: holds {_shown(name)}, a path that leaves its folder; not unpacked")
    return path


def _shown(name: str) -> str:
    return repr(name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…")


def _copy(stream: IO[bytes], target: Path, *, at_most: int) -> int:
    # Sizes that an archive announces may lie: what is counted is what comes out.
    copied = 0
    with target.open("wb") as written:
        while copied < at_most and (chunk := stream.read(min(_CHUNK_BYTES, at_most - copied))):
            written.write(chunk)
            copied += len(chunk)
    return copied
