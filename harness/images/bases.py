"""Which base an image is made on, and what names it beyond doubt."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import EngineError, ImagesError
from harness.images import engine
from harness.images.declared import Base, Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A base to build on.

    Attributes:
        reference: What the engine is to build on.
        pinned: The same with a digest, or with its id where this host made it.
    """

    reference: str
    pinned: str


def choose(image: Image, name: str | None = None) -> Chosen:
    """Return the base called ``name``, else the first that this host has, else the first, to be pulled.

    Raises:
        ImagesError: The image declares no such base, or one that is neither here nor pinned by digest.
        EngineError: No engine answers, or the base must be made here first.
    """
    if name is not None and name not in image.bases:
        raise ImagesError(f"images.{image.name}.bases: no base '{name}'; there are {', '.join(image.bases)}")
    wanted = image.bases if name is None else {name: image.bases[name]}
    for base in wanted.values():
        found = engine.inspect(base.reference)
        if found is not None:
            return Chosen(reference=base.reference, pinned=pinned(base, found.id))
    return _absent(image, next(iter(wanted.values())))


def pinned(base: Base, found_id: str) -> str:
    """Return ``base``'s reference with its digest, or with the id of the image that this host has."""
    return base.reference if has_digest(base.reference) else f"{base.reference}@{found_id}"


def has_digest(reference: str) -> bool:
    """Return whether a reference names its content."""
    return "@sha256:" in reference


def _absent(image: Image, base: Base) -> Chosen:
    if base.made_by is not None:
        raise EngineError(f"{base.reference} is not on this host; {base.made_by} makes it")
    if not has_digest(base.reference):
        raise ImagesError(f"images.{image.name}: base '{base.reference}' has no digest; add @sha256:… to its reference")
    return Chosen(reference=base.reference, pinned=base.reference)
