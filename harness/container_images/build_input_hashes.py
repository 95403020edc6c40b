"""What a declared image would be pinned to: hashes of the files that it is made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from harness import environment, files
from harness.container_images import extra_packages
from harness.container_images.declarations import DeclaredImage

DOCKERFILE = "docker/Dockerfile"
_RECIPE = (DOCKERFILE, "requirements/setup.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Hashes (SHA-256, hexadecimal) of what an image is made from.

    ``source`` covers the harness's code that a search runs through, ``lock`` its packages, ``recipe`` the
    Dockerfile and the tools that it installs with.
    """

    source: str
    lock: str
    recipe: str


def of(image: DeclaredImage) -> Pins:
    """Return what ``image`` would be made from if it were built now."""
    return Pins(
        source=environment.code_hash_of(image.package),
        lock=lock_hash(image),
        recipe=_recipe(image),
    )


def lock_hash(image: DeclaredImage) -> str:
    """Return the SHA-256 of an image's lock, or over it and the file of more packages where there is one."""
    lock = files.sha256_of(image.root / image.lock)
    if image.requirements is None:
        return lock
    return files.digest([lock, files.sha256_of(image.root / image.requirements)])


def locked(image: DeclaredImage) -> str:
    """Return the lock's text, and a line for each package besides."""
    lock = (image.root / image.lock).read_text("utf-8")
    return "\n".join([lock, *(one.pinned for one in image.more), ""]) if image.more else lock


def packages_of(image: DeclaredImage) -> frozenset[str]:
    """Return the names of the packages that an image's requirements lock."""
    return extra_packages.names_in(locked(image))


def _recipe(image: DeclaredImage) -> str:
    overall = hashlib.sha256()
    for name in _RECIPE:
        overall.update(f"{name}\0{files.sha256_of(image.root / name)}\n".encode())
    return overall.hexdigest()
