"""The very same image on another host: by a registry, or by a folder where there is none; always by digest."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path

from harness import image_labels
from harness.container_images import engine, oci_layout, verifying
from harness.container_images.declarations import DeclaredImage
from harness.errors import EngineError, ImagesError

LAYOUT = "oci:"
"""What begins the name of a folder that holds images."""


def push(image: DeclaredImage, target: str) -> str:
    """Send ``image`` to a registry, ``HOST/NAME``, or add it to a folder, ``oci:DIR``; return its name by digest.

    Raises:
        ImagesError: It isn't as these sources have it, or the folder can't be written.
        EngineError: No engine answers, or the registry refuses.
    """
    stale = verifying.stale(image)
    if stale:
        raise ImagesError(stale[0])
    if target.startswith(LAYOUT):
        folder = _folder(target)
        kept = engine.save(image.tag, functools.partial(oci_layout.add, folder, name=image.name))
        return f"{image_labels.OWN}@{kept}"
    if "@" in target or "/" not in target:
        raise ImagesError(f"'{target}': no place to push to; give HOST/NAME, HOST/NAME:TAG, or oci:DIR")
    engine.tag(image.tag, target)
    engine.push(target)
    return _pushed(target)


def pull(reference: str) -> str:
    """Bring the one image that a reference names by digest; return the name by which this host now has it.

    Args:
        reference: ``HOST/NAME@sha256:…`` of a registry, or ``oci:DIR@sha256:…`` of a folder.

    Raises:
        ImagesError: It names no digest, or the folder doesn't hold it.
        EngineError: No engine answers, or the registry can't be reached or hasn't it.
    """
    if reference.startswith(LAYOUT):
        return _loaded(reference)
    found = _parsed(reference, "HOST/NAME@sha256:…")
    if "/" not in found["name"]:
        raise ImagesError(f"'{reference}': no registry has it; harness images pull oci:DIR@{found['digest']}")
    engine.pull(reference)
    return reference


def same(images: Iterable[DeclaredImage], name: str) -> DeclaredImage | None:
    """Return the declared image that an image of this host is, by what both are made from; None where it is none."""
    held = engine.inspect(image_labels.local_name(name))
    return None if held is None else next((one for one in images if not verifying.by_labels(one, held)), None)


def take(image: DeclaredImage, name: str) -> None:
    """Let an image of this host be the one that searches run in unless told otherwise."""
    engine.tag(image_labels.local_name(name), image.tag)


def _loaded(reference: str) -> str:
    found = _parsed(reference, "oci:DIR@sha256:…")
    folder, image = _folder(found["name"]), found["digest"]
    reference = f"{image_labels.OWN}@{image}"
    tag = image_labels.local_name(reference)
    engine.load(functools.partial(oci_layout.load, folder, image, tag=tag))
    if engine.inspect(tag) is None:
        raise EngineError(f"the engine has taken no image from {folder}; its last lines above say why")
    return reference


def _parsed(reference: str, form: str) -> re.Match[str]:
    found = re.fullmatch(r"(?P<name>\S.*|\S)@(?P<digest>sha256:[0-9a-f]{64})", reference)
    if found is None:
        raise ImagesError(f"'{reference}': names no one image; give {form}, as harness images push printed it")
    return found


def _pushed(target: str) -> str:
    """Return the name by digest that a registry gave to what was pushed."""
    held = engine.inspect(target)
    repository = target if ":" not in target.rpartition("/")[2] else target.rpartition(":")[0]
    named = [one for one in held.repo_digests if one.startswith(f"{repository}@")] if held is not None else []
    if not named:
        raise EngineError(f"{target}: pushed, but the engine says no digest; docker image inspect says more")
    return named[-1]


def _folder(target: str) -> Path:
    return Path(target.removeprefix(LAYOUT)).expanduser()
