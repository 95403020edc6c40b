"""Who owns what a container writes.

A container's process is the calling user, so that what it writes is theirs. Root is the exception: no process in a
container is ever root, so what root owns is lent to a user without rights and, for a cell's folder, given back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NOBODY = 10001


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The user and group that a container's process has, by number."""

    uid: int
    gid: int

    def __str__(self) -> str:
        """Return ``uid:gid``."""
        return f"{self.uid}:{self.gid}"


ROOT = User(uid=0, gid=0)


def worker(cache: Path) -> User:
    """Return the calling user; in root's place the owner of the cache, or one without rights where that is root too."""
    caller = User(uid=os.geteuid(), gid=os.getegid())
    if caller.uid != ROOT.uid:
        return caller
    owning = owner(cache)
    return owning if owning.uid != ROOT.uid else User(uid=_NOBODY, gid=_NOBODY)


def owner(path: Path) -> User:
    """Return who owns ``path``."""
    stat = path.stat()
    return User(uid=stat.st_uid, gid=stat.st_gid)


def hand_over(folder: Path, *, of: User | None, to: User) -> None:
    """Make ``to`` the owner of whatever in ``folder`` belongs to ``of`` (None: to anyone).

    Only root can, and only root needs to: for anyone else nothing happens.
    """
    if os.geteuid() != 0:
        return
    for path in _tree(folder):
        stat = path.lstat()
        if of is None or stat.st_uid == of.uid:
            os.chown(path, to.uid, to.gid, follow_symlinks=False)


def _tree(folder: Path) -> Iterator[Path]:
    yield folder
    for place, folders, names in os.walk(folder):
        yield from (Path(place) / name for name in (*folders, *names))
