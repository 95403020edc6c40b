"""Which base an image is made on, and what names it beyond doubt."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from harness.container_images import engine
from harness.container_images.declarations import Base, DeclaredImage
from harness.errors import EngineError, ImagesError
from harness.image_labels import has_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenBase:
    """A base to build on.

    Attributes:
        reference: What the engine is to build on.
        pinned: The same with a digest.
        here: Whether this host has it; it is to be pulled otherwise.
    """

    reference: str
    pinned: str
    here: bool


def choose(image: DeclaredImage, name: str | None = None) -> ChosenBase:
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
            return ChosenBase(reference=base.reference, pinned=pinned(base, found.layers), here=True)
    return _absent(image, next(iter(wanted.values())))


def pull(chosen: ChosenBase, image: DeclaredImage) -> None:
    """Fetch a base that this host has not.

    Raises:
        EngineError: It can't be pulled, or no engine answers; the line names the way without a registry.
    """
    if chosen.here:
        return
    try:
        engine.pull(chosen.reference)
    except EngineError as error:
        makers = [image.told(base.made_by) for base in image.bases.values() if base.made_by is not None]
        way = f"as root, {makers[0]} makes a base without a registry" if makers else "see docs/containers.md"
        raise EngineError(f"no base for {image.tag}: {chosen.reference} can't be pulled; {way} ({error})") from error


def pinned(base: Base, layers: Sequence[str]) -> str:
    """Return ``base``'s reference with its digest, or with that of the layers that this host has of it.

    Layers and not an id, which holds the time of its making. They are hashed as the OCI image specification chains
    them: https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
    """
    if has_digest(base.reference):
        return base.reference
    return f"{base.reference}@{functools.reduce(_chained, layers)}"


def _chained(below: str, layer: str) -> str:
    return f"sha256:{hashlib.sha256(f'{below} {layer}'.encode()).hexdigest()}"


def _absent(image: DeclaredImage, base: Base) -> ChosenBase:
    if base.made_by is not None:
        raise EngineError(f"{base.reference} is not on this host; {image.told(base.made_by)} makes it")
    if not has_digest(base.reference):
        raise ImagesError(f"images.{image.name}: base '{base.reference}' has no digest; add @sha256:… to its reference")
    return ChosenBase(reference=base.reference, pinned=base.reference, here=False)
