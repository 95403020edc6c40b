"""Results in a store that a URL names, through fsspec: a finished search travels as one file, whole or not at all.

A folder of this machine stands for the store: runs work in it, and it keeps what could not be sent. In the store,
``<matrix>/cells/<id>.<n>.tar`` holds a cell's record with all that belongs to it, ``n`` being how often it was retried.
It is written once, and what it holds is checked by the sums in it before anything of it is believed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from harness import files
from harness.errors import HarnessError, MachineError, ResultsError, UserError, reason
from harness.records import CellFolder
from harness.results_folder import MatrixFolder

WHOLE = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory")
"""Protocols by which a file is there whole or not at all, and can be asked for only if there is none."""
# Of the process that worked there, not of the record.
_LEFT_OUT = ("lock", "progress.log")
_SUMS = "sums.json"
_CELL = re.compile(r"([\w-]{1,64})\.(\d{1,6})\.tar")
PLAN = ("plan.json",)
MADE = (*PLAN, "report.html", "tables/*", "plots/**/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where a URL leads, and the folder of this machine, one for each matrix in it, that stands for it."""

    url: str
    mirror: Path

    def fetch(self, matrix: str, *, replaces_unfinished: bool = False) -> list[str]:
        """Bring what is there and not here; return a line for each file that is not what it was sent as.

        An unfinished search stays as it is, unless it may be replaced by the same one finished elsewhere.

        Raises:
            MachineError: The store can't be reached.
            UserError: No package for its protocol is installed.
        """
        folder, refused = MatrixFolder(self.mirror / matrix), []
        plan = self._read(f"{matrix}/plan.json")
        if plan is not None:
            files.write_atomically(folder.path / "plan.json", plan)
        for cell_id, count in sorted(self._sent(matrix).items()):
            cell = folder.cell(cell_id)
            is_wanted = _retries(cell) < count if cell.is_sealed else replaces_unfinished or not cell.path.exists()
            if is_wanted and (mistake := self._fetched(folder, cell_id, count)):
                refused.append(mistake)
        return refused

    def fetch_all(self) -> list[str]:
        """Bring what is there of every matrix, as ``fetch`` does."""
        return [line for name in self._names("") for line in self.fetch(name)]

    def put(self, matrix: str) -> list[str]:
        """Send each finished search that is not there yet; return a line for each that was there with other contents.

        Raises:
            MachineError: The store can't be reached; what is here stays here, for the next time.
            UserError: As ``fetch``.
        """
        folder, sent = MatrixFolder(self.mirror / matrix), self._sent(matrix)
        cells = [folder.cell(cell_id) for cell_id in folder.cell_ids()]
        unsent = [cell for cell in cells if cell.is_sealed and sent.get(cell.path.name, -1) < _retries(cell)]
        return [line for cell in unsent if (line := self.put_cell(folder, cell.path.name)) is not None]

    def put_cell(self, folder: MatrixFolder, cell_id: str) -> str | None:
        """Send a finished search; where the store has it with other contents, those count from now on, which is said.

        Raises:
            MachineError: As ``put``.
            UserError: As ``fetch``.
        """
        cell = folder.cell(cell_id)
        count, packed = _retries(cell), _packed(cell.path)
        name = f"{folder.path.name}/cells/{cell_id}.{count}.tar"
        if self._create(name, packed) or self._read(name) == packed:
            return None
        mistake = self._fetched(folder, cell_id, count)
        return (
            mistake or f"{self.url}/{name}: another was sent first, and counts; what was found here is kept beside it"
        )

    def put_made(self, matrix: str, *, only: Sequence[str] = MADE) -> None:
        """Send plan, tables, pictures and page, in place of earlier ones.

        Raises:
            MachineError: As ``put``.
            UserError: As ``fetch``.
        """
        folder = self.mirror / matrix
        for path in (path for pattern in only for path in sorted(folder.glob(pattern)) if path.is_file()):
            self._write(f"{matrix}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def board(self, matrix: str) -> StoreBoard:
        """Return where runs of a matrix into this store find one another."""
        return StoreBoard(self, f"{matrix}/runs")

    def _sent(self, matrix: str) -> dict[str, int]:
        """Return the cells that are there, each with how often it had been retried when it was sent last."""
        found: dict[str, int] = {}
        for named in filter(None, map(_CELL.fullmatch, self._names(f"{matrix}/cells"))):
            found[named[1]] = max(int(named[2]), found.get(named[1], 0))
        return found

    def _fetched(self, folder: MatrixFolder, cell_id: str, count: int) -> str | None:
        """Bring a cell, what stands in its place set aside; return why it is refused, None where it isn't."""
        name = f"{folder.path.name}/cells/{cell_id}.{count}.tar"
        aside = folder.path / f".fetched-{cell_id}-{secrets.token_hex(4)}"
        try:
            # Under its own name, which is a part of what is checked.
            found = CellFolder(aside / cell_id)
            _unpack(self._read(name) or b"", found.path)
            if found.sealed() is None:
                return f"{self.url}/{name}: holds no record; remove it, then run again"
            _set_aside(folder, cell_id)
            folder.cell(cell_id).path.parent.mkdir(parents=True, exist_ok=True)
            found.path.rename(folder.cell(cell_id).path)
        except (ResultsError, tarfile.TarError) as error:
            return f"{self.url}/{name}: not what was sent ({_without(aside, reason(error))}); remove it, then run again"
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return None

    def _names(self, within: str) -> list[str]:
        with self._reached() as (fs, root):
            fs.invalidate_cache()
            try:
                return sorted(PurePosixPath(path).name for path in fs.ls(f"{root}/{within}".rstrip("/"), detail=False))
            except FileNotFoundError:
                return []

    def _read(self, name: str) -> bytes | None:
        with self._reached() as (fs, root):
            try:
                return bytes(fs.cat_file(f"{root}/{name}"))
            except FileNotFoundError:
                return None

    def _create(self, name: str, data: bytes) -> bool:
        """Write a file if there is none; return whether there was none."""
        with self._reached() as (fs, root):
            path = f"{root}/{name}"
            if self._is_whole:
                try:
                    fs.pipe_file(path, data, mode="create")
                except FileExistsError:
                    return False
                return True
            if fs.exists(path):
                return False
            self._renamed(fs, path, data)
            return True

    def _write(self, name: str, data: bytes) -> None:
        with self._reached() as (fs, root):
            if self._is_whole:
                fs.pipe_file(f"{root}/{name}", data)
            else:
                self._renamed(fs, f"{root}/{name}", data)

    def _renamed(self, fs: Any, path: str, data: bytes) -> None:
        aside = f"{path}.{secrets.token_hex(4)}.part"
        fs.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        fs.pipe_file(aside, data)
        fs.mv(aside, path)

    def _remove(self, name: str) -> None:
        with self._reached() as (fs, root), suppress(FileNotFoundError):
            fs.rm_file(f"{root}/{name}")

    @property
    def _is_whole(self) -> bool:
        return urlsplit(self.url).scheme in WHOLE

    @contextmanager
    def _reached(self) -> Iterator[tuple[Any, str]]:
        """Give the file system, and the store's place in it; say in one line what it refuses.

        Raises:
            MachineError: It can't be reached.
            UserError: No package for its protocol is installed, or none is known.
        """
        try:
            # Only here: no run into a folder needs it.
            from fsspec.core import url_to_fs  # noqa: PLC0415 - see above

            fs, root = url_to_fs(self.url)
        except ImportError as error:
            remedy = "pip install 'tuner-harness[stores]' has S3's, and each other protocol has a package of its own"
            raise UserError(f"{self.url}: a package is missing ({reason(error)}); {remedy}") from error
        except ValueError as error:
            known = "give a URL that fsspec knows, such as s3://bucket/results"
            raise UserError(f"{self.url}: {reason(error)}; {known}") from error
        try:
            yield fs, root.rstrip("/")
        except (MachineError, ResultsError):
            raise
        except Exception as error:
            # Each protocol's package has errors of its own.
            why = f"can't be read or written ({reason(error)}); see to network, address and credentials"
            raise MachineError(
                f"{self.url}: {why}; {self.mirror} keeps what is here, and the next run sends it"
            ) from error


@dataclass(frozen=True, slots=True)
class StoreBoard:
    """A folder of a store in which each run has a file."""

    store: Store
    within: str

    def names(self) -> list[str]:
        """Return the names of the files that are whole, without their endings."""
        names = self.store._names(self.within)  # noqa: SLF001 - of this module
        return [name.removesuffix(".json") for name in names if name.endswith(".json")]

    def read(self, token: str) -> bytes | None:
        """Return what a run's file holds; None where there is none."""
        return self.store._read(self._file(token))  # noqa: SLF001 - of this module

    def write(self, token: str, pulse: bytes) -> None:
        """Write a run's file anew."""
        self.store._write(self._file(token), pulse)  # noqa: SLF001 - of this module

    def remove(self, token: str) -> None:
        """Take a run's file away."""
        self.store._remove(self._file(token))  # noqa: SLF001 - of this module

    def _file(self, token: str) -> str:
        return f"{self.within}/{token}.json"


def at(url: str) -> Store:
    """Return the store that a URL names; the folder that stands for it is made.

    Raises:
        UserError: The URL holds a password, or names no place.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        raise UserError(
            f"--results {parts.scheme}://…: holds a password; leave it to the environment, as fsspec has it"
        )
    if not parts.scheme or not (parts.netloc or parts.path.strip("/")):
        raise UserError(f"--results {url}: names no place; give one such as s3://bucket/results")
    plain = url.rstrip("/")
    word = re.sub(r"[^\w.-]+", "-", plain).strip("-")[:60]
    mirror = _state() / "stores" / f"{word}-{files.digest(plain)[:8]}"
    files.write_json(mirror / "store.json", {"url": plain})
    return Store(url=plain, mirror=mirror)


def of(results: Path) -> Store | None:
    """Return the store that a folder stands for; None where it is a folder and no more."""
    try:
        url = json.loads(files.read_plain(results / "store.json"))["url"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return Store(url=str(url), mirror=results)


def fetch(path: Path) -> list[str]:
    """Bring what a store has of a matrix, where ``path`` stands for one; return what readers should know, in lines.

    Raises:
        MachineError: The store can't be reached, and nothing of the matrix is here.
        UserError: No package for its protocol is installed, and nothing is here.
    """
    store = of(path.parent)
    if store is None:
        return []
    try:
        return store.fetch(path.name)
    except HarnessError as error:
        if not MatrixFolder(path).has_plan:
            raise
        return [f"{error}; shown is what is here"]


def named(results: Path) -> str:
    """Return what users call a folder: the URL of the store that it stands for, or its path."""
    store = of(results)
    return str(results) if store is None else store.url


def _state() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "tuner-harness"


def _retries(cell: CellFolder) -> int:
    return sum(1 for _ in cell.path.glob("retried-*"))


def _packed(folder: Path) -> bytes:
    """Return a cell's files as one, the same for the same files."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    held = {path.relative_to(folder).as_posix(): files.read_plain(path) for path in paths if path.name not in _LEFT_OUT}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(held.items())}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in [(_SUMS, files.canonical_json(sums)), *sorted(held.items())]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def _unpack(packed: bytes, folder: Path) -> None:
    """Write what ``_packed`` made a file of.

    Raises:
        ResultsError: It is not what was packed.
        TarError: It is no such file.
    """
    held: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            held[member.name] = b"" if stream is None else stream.read()
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(held.items()) if name != _SUMS}
    if held.get(_SUMS) != files.canonical_json(sums):
        raise ResultsError("a checksum differs")
    for name in sums:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ResultsError(f"{name!r} leads out of it")
        files.write_atomically(folder / name, held[name])


def _set_aside(folder: MatrixFolder, cell_id: str) -> None:
    cell = folder.cell(cell_id).path
    if cell.exists():
        kept = folder.path / "displaced" / f"{cell_id}-{secrets.token_hex(4)}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        cell.rename(kept)


def _without(folder: Path, text: str) -> str:
    return text.replace(f"{folder}/", "")
