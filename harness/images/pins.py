"""What a declared image would be pinned to: hashes of the files that it is made from."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from harness import environment, files
from harness.images.declared import DeclaredImage

DOCKERFILE = "docker/Dockerfile"
_RECIPE = (DOCKERFILE, "requirements/setup.txt")
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Hashes (SHA-256, hexadecimal) of what an image is made from.

    ``source`` covers the harness's code that a search runs through, ``lock`` the requirements, ``recipe`` the
    Dockerfile and the tools that it installs with.
    """

    source: str
    lock: str
    recipe: str


def of(image: DeclaredImage) -> Pins:
    """Return what ``image`` would be made from if it were built now."""
    return Pins(
        source=environment.code_hash_of(image.root / "harness"),
        lock=lock_hash(image),
        recipe=_recipe(image),
    )


def lock_hash(image: DeclaredImage) -> str:
    """Return the SHA-256 of an image's requirements."""
    return files.sha256_of(image.root / image.lock)


def packages_of(image: DeclaredImage) -> frozenset[str]:
    """Return the names of the packages that an image's requirements lock."""
    return frozenset(_LOCKED.findall((image.root / image.lock).read_text("utf-8")))


def _recipe(image: DeclaredImage) -> str:
    overall = hashlib.sha256()
    for name in _RECIPE:
        overall.update(f"{name}\0{files.sha256_of(image.root / name)}\n".encode())
    return overall.hexdigest()
