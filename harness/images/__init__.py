"""Container images that searches run in: declared in ``images.toml``, built from locks, checked against them."""

from harness.images.building import build, planned
from harness.images.declarations import Base, DeclaredImage, load
from harness.images.listing import Held, held
from harness.images.pins import lock_hash, packages_of
from harness.images.verifying import stale, verify

__all__ = [
    "Base",
    "DeclaredImage",
    "Held",
    "build",
    "held",
    "load",
    "lock_hash",
    "packages_of",
    "planned",
    "stale",
    "verify",
]
