"""Container images that searches run in: declared in ``images.toml``, built from locks, checked against them."""

from harness.container_images.apptainer import definition
from harness.container_images.bill_of_materials import bill_of_materials
from harness.container_images.build_input_hashes import lock_hash, packages_of
from harness.container_images.building import build, planned
from harness.container_images.declarations import OWN, Base, DeclaredImage, load
from harness.container_images.listing import Held, held
from harness.container_images.sharing import LAYOUT, pull, push, same, take
from harness.container_images.verifying import stale, verify

__all__ = [
    "LAYOUT",
    "OWN",
    "Base",
    "DeclaredImage",
    "Held",
    "bill_of_materials",
    "build",
    "definition",
    "held",
    "load",
    "lock_hash",
    "packages_of",
    "planned",
    "pull",
    "push",
    "same",
    "stale",
    "take",
    "verify",
]
