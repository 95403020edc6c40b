"""What this host has of the declared images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness import image_labels
from harness.container_images import engine
from harness.container_images.declarations import DeclaredImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A declared image and what this host has of it; ``id``, ``base`` and ``size_bytes`` are None where it has none."""

    name: str
    tag: str
    lock: str
    id: str | None
    base: str | None
    size_bytes: int | None
    digests: tuple[str, ...] = ()
    """Its names by digest at registries that it was pushed to or pulled from."""


def held(images: Iterable[DeclaredImage]) -> list[Held]:
    """Return each image with what this host has of it.

    Raises:
        EngineError: No engine answers.
    """
    return [_held(image) for image in images]


def _held(image: DeclaredImage) -> Held:
    found = engine.inspect(image.tag)
    return Held(
        name=image.name,
        tag=image.tag,
        lock=image.locks,
        id=None if found is None else found.id,
        base=None if found is None else found.labels.get(image_labels.BASE_LABEL),
        size_bytes=None if found is None else found.size_bytes,
        digests=() if found is None else found.repo_digests,
    )
