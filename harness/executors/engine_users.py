"""Whose a container's files are: engines that map numbers of users to others, and how a cell's stay the caller's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.errors import MachineError
from harness.executors.file_ownership import ROOT, User


class Users(StrEnum):
    """What numbers of users in containers are outside."""

    SAME = "same"
    REMAPPED = "remapped"
    """Others (``userns-remap``), unless a container asks for the host's."""
    ROOTLESS = "rootless"
    """Root is who runs the engine, without any right that they lack; every other is a subordinate number of theirs."""


def of_engine(told: Mapping[str, Any], *, is_podman: bool) -> Users:
    """Return which of them an engine has, by what it tells of itself.

    Raises:
        MachineError: It is rootless, and another user's.
    """
    options = told.get("SecurityOptions") or ()
    if any(option.startswith("name=userns") for option in options):
        return Users.REMAPPED
    owner = _owner(Path(told.get("DockerRootDir") or "/"))
    # Podman doesn't say that it is rootless, but keeps its images in a folder of its user's.
    is_users = is_podman and owner not in (None, ROOT.uid)
    if not is_users and not any(option.startswith("name=rootless") for option in options):
        return Users.SAME
    if owner not in (None, os.geteuid()):
        raise MachineError(
            f"the container engine is rootless and user {owner}'s, so that a cell's files would not be yours; run "
            "harness as that user, or name another engine in DOCKER_HOST"
        )
    return Users.ROOTLESS


def enforces_limits(told: Mapping[str, Any], users: Users) -> bool:
    """Whether an engine holds containers to limits: a rootless one has control groups of version 2 alone to do so."""
    if users is not Users.ROOTLESS:
        return True
    return str(told.get("CgroupVersion")) == "2" and bool(told.get("MemoryLimit"))


def inside(users: str, worker: User) -> User:
    """Return who a worker is inside, so that what it writes is ``worker``'s outside."""
    return ROOT if users == Users.ROOTLESS else worker


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None
