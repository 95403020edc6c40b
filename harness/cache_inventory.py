"""What lies in the cache: for what, how large, how long unused; who uses it, and what may go.

A preparation leaves a note, ``prepared/<key>``, of what it found and of all that its cells need in the cache. A note is
touched whenever a run relies on it, so that its time tells when that was last used.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness import file_locks, files
from harness.cells import Cell
from harness.errors import UserError
from harness.record_schema import DataTable, Form

KINDS = ("downloads", "datasets", "weights", "surveys", "images", "activations")
"""Folders of the cache that hold what can be fetched or computed again, each under the hash of what it is."""

_NOTES = "prepared"
_OURS = re.compile(r"[0-9a-f]{32,64}(\.json)?")
_HALF_BUILT = re.compile(r"\..+\.(part|lock)|\.pip-.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """One thing in the cache.

    ``what`` says what it is for, None where no preparation needs it or tells. ``path`` is relative to the cache.
    """

    kind: str
    path: str
    what: str | None
    size_bytes: int
    last_used: datetime


class _Note(Form):
    """What a preparation found in its data, and what its cells need in the cache, with what that is for."""

    data: DataTable
    kept: dict[str, str]


@contextmanager
def used(cache: Path) -> Iterator[None]:
    """Keep what lies in ``cache`` from being pruned meanwhile; what killed processes left goes, if no other uses it."""
    try:
        handle = _opened(cache)
    except OSError:
        # A cache that can only be read serves too: who can't write can't be in anyone's way.
        yield
        return
    try:
        _sweep_if_alone(cache, handle)
        file_locks.flock(handle, file_locks.LOCK_SH)
        yield
    finally:
        _sweep_if_alone(cache, handle)
        os.close(handle)


def kept_for(cell: Cell, computed: Iterable[str], *, cache: Path) -> dict[str, str]:
    """Return all that a cell needs in the cache, by its path there, with what it is for; ``computed`` names folders."""
    name = files.without_home(cell.source.name or cell.names.dataset)
    model = f"{cell.backbone.model} ({cell.weights.kind or 'weights unknown'})"
    size = cell.protocol.image_size
    told = {
        "datasets": name,
        "images": f"{name} at {size}×{size}",
        "activations": f"{name} at {size}×{size} through {model}",
    }
    needed = {path: told[path.partition("/")[0]] for path in computed}
    fetched = [*((path, name) for path in cell.source.paths), (cell.weights.path, model)]
    for path, what in fetched:
        if path is not None and Path(path).is_relative_to(cache):
            needed["/".join(Path(path).relative_to(cache).parts[:2])] = what
    return needed


def key_of(cell: Cell) -> str:
    """Return what cells that share their preparation have in common, hashed: the name of its note."""
    identity = cell.identity
    return files.digest(
        {
            **{part: identity[part] for part in ("dataset", "backbone", "environment")},
            "code": cell.training_code,
            "image_size": cell.protocol.image_size,
            # Nothing that is kept depends on it, but what is told does.
            "split": identity["protocol"]["split"],
            "precision": cell.protocol.precision,
            "seed": cell.seed if cell.backbone.weights == "none" else None,
            # They are no images, but what is told of files is to be of this folder's.
            **({"skipped": skipped} if (skipped := cell.source.told.get("skipped")) else {}),
            # It is tried there, before any search goes without joules.
            **({} if cell.meter_file is None else {"meter": cell.meter_file.sha256}),
        }
    )[:16]


def shared(cell: Cell, *, cache: Path) -> list[str]:
    """Return the pictures and activations that a cell's preparation has left, by their paths in the cache."""
    note = _read(cache / _NOTES / key_of(cell))
    return [] if note is None else [path for path in note.kept if path.startswith(("images/", "activations/"))]


def prepared(cache: Path, key: str) -> DataTable | None:
    """Return what a preparation found in its data, and note that this is used; None where it is still to be made."""
    path = cache / _NOTES / key
    note = _read(path)
    if note is None:
        return None
    with suppress(OSError):
        # A cache that can only be read serves too.
        os.utime(path)
    return note.data


def mark_prepared(cache: Path, key: str, *, data: DataTable, kept: Mapping[str, str]) -> None:
    """Note that a preparation is done."""
    files.write_json(cache / _NOTES / key, {"data": data.told, "kept": kept})


def contents(cache: Path) -> list[CacheEntry]:
    """Return what lies in the cache, by kind and then the largest first."""
    notes = list(_notes(cache))
    found = [_kept(cache, kind, path, notes) for kind in KINDS for path in _entries(cache / kind)]
    return sorted(found, key=lambda kept: (KINDS.index(kept.kind), -kept.size_bytes, kept.path))


def half_built(cache: Path) -> list[Path]:
    """Return what is being built there, or was when its builder was killed."""
    places = [place for kind in (*KINDS, _NOTES) for place in (cache / kind, *_entries(cache / kind)) if place.is_dir()]
    hidden = (path for place in places for path in place.glob(".*"))
    return [path for path in hidden if files.is_aside(path) or _HALF_BUILT.fullmatch(path.name)]


def prune(cache: Path, gone: Iterable[CacheEntry]) -> None:
    """Remove these from the cache, and what killed processes left; what needs them is prepared again when asked for.

    Raises:
        UserError: A run is using the cache.
    """
    handle = _opened(cache)
    try:
        if not _sweep_if_alone(cache, handle):
            raise UserError(f"{cache}: in use by a run; wait for its end")
        paths = {kept.path for kept in gone}
        for path, note in _notes(cache):
            if not paths.isdisjoint(note.kept):
                path.unlink()
        for name in paths:
            _remove(cache / name)
    finally:
        os.close(handle)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; links are not followed."""
    return sum(each.stat(follow_symlinks=False).st_size for each in (path, *path.rglob("*")) if not each.is_dir())


def _opened(cache: Path) -> int:
    # Read only: who may read a lock may hold it, whoever made it.
    return os.open(cache / "lock", os.O_RDONLY | os.O_CREAT, 0o666)


def _sweep_if_alone(cache: Path, handle: int) -> bool:
    """Remove what is half built if no other process uses the cache; return whether none does."""
    try:
        file_locks.flock(handle, file_locks.LOCK_EX | file_locks.LOCK_NB)
    except BlockingIOError:
        return False
    for path in half_built(cache):
        _delete(path)
    return True


def _entries(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if _OURS.fullmatch(path.name)]


def _notes(cache: Path) -> Iterator[tuple[Path, _Note]]:
    for path in (cache / _NOTES).glob("[!.]*"):
        note = _read(path)
        if note is not None:
            yield path, note


def _read(path: Path) -> _Note | None:
    """Return a preparation's note; None where there is none, or one of another version."""
    try:
        return _Note.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _kept(cache: Path, kind: str, path: Path, notes: Iterable[tuple[Path, _Note]]) -> CacheEntry:
    name = path.relative_to(cache).as_posix()
    uses = [(note.kept[name], place.stat().st_mtime) for place, note in notes if name in note.kept]
    told = ", ".join(dict.fromkeys(what for what, _ in uses)) or _name_of_file(path)
    last_used = max((when for _, when in uses), default=_last_touched(path))
    return CacheEntry(
        kind=kind,
        path=name,
        what=told,
        size_bytes=size_of(path),
        last_used=datetime.fromtimestamp(last_used, UTC),
    )


def _name_of_file(path: Path) -> str | None:
    """Return what a download calls itself, where that is one file."""
    names = [each.name for each in path.glob("[!.]*") if each.suffix != ".sha256"] if path.is_dir() else []
    return names[0] if len(names) == 1 and path.parent.name in ("downloads", "weights") else None


def _last_touched(path: Path) -> float:
    found = [each.stat(follow_symlinks=False) for each in (path, *path.glob("*"))]
    return max(max(each.st_atime, each.st_mtime) for each in found)


def _remove(path: Path) -> None:
    # A kill in between leaves nothing that looks whole.
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with suppress(FileNotFoundError):
        path.rename(aside)
        _delete(aside)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
