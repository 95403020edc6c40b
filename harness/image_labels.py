"""What a container image says of itself: the labels that its build leaves, and the hash of what they pin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness import files

BASE_LABEL = "tuner-harness.base"
HASH_LABELS = {
    "source": "tuner-harness.source-hash",
    "lock": "tuner-harness.lock-hash",
    "recipe": "tuner-harness.recipe-hash",
}
"""The label for each kind of hash."""

OWN = "tuner-harness"
"""What the harness's images are called."""

_HASH_DIGITS = 64
_OWN_BY_ID = re.compile(rf"{OWN}@sha256:(?P<id>[0-9a-f]{{{_HASH_DIGITS}}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What an image is made from.

    Attributes:
        base: The reference of its base, with its digest.
        source: SHA-256 (hexadecimal) of the harness's code that a search runs through.
        lock: SHA-256 of the requirements.
        recipe: SHA-256 of the Dockerfile and of the tools that it installs with.
    """

    base: str
    source: str
    lock: str
    recipe: str

    @property
    def content(self) -> str:
        """SHA-256 of all but the sources, which are a cell's code: the same for each build from the same."""
        digest = self.base.rpartition("@")[2]
        return files.digest({"base": digest, "lock": self.lock, "recipe": self.recipe})


def has_digest(reference: str) -> bool:
    """Return whether a reference names its content."""
    return "@sha256:" in reference


def id_in(reference: str) -> str | None:
    """Return the id of an image that came from a folder, ``sha256:…``; None where a registry's digest names it."""
    found = _OWN_BY_ID.fullmatch(reference)
    return None if found is None else f"sha256:{found['id']}"


def local_name(reference: str) -> str:
    """Return what an engine calls an image: one that came from a folder has its id as its tag."""
    found = id_in(reference)
    return reference if found is None else f"{OWN}:{found.replace(':', '-')}"


def read(labels: Mapping[str, str]) -> Pinned | None:
    """Return what an image's labels say; None where one of them says nothing that could be compared."""
    base = labels.get(BASE_LABEL, "")
    hashes = {kind: labels.get(label, "") for kind, label in HASH_LABELS.items()}
    if not has_digest(base) or any(len(value) != _HASH_DIGITS for value in hashes.values()):
        return None
    return Pinned(base=base, **hashes)
