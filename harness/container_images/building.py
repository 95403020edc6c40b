"""Building a declared image."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from harness.compute_capability import NO_ARM_BUILD
from harness.container_images import bases, build_context, build_input_hashes, engine, extra_packages
from harness.container_images.declarations import DeclaredImage
from harness.errors import ImagesError
from harness.image_labels import Pinned

# Docker knows these arguments by itself and keeps them out of an image's history.
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


_NOTHING = "--no-cache"
_STAGE = "code"


def build(
    image: DeclaredImage,
    *,
    base: str | None = None,
    extra_ca: Path | None = None,
    index_url: str | None = None,
    from_nothing: bool = False,
) -> str:
    """Build ``image``, tag it, and return the pinned reference of the base that it was made on.

    An earlier image of its name is removed, unless it has another name or a container holds it.

    Args:
        image: What to build.
        base: The base's name in ``images.toml``; by default the first that this host has, else the first.
        extra_ca: Certificates (PEM) to trust while packages are fetched; they don't reach the image.
        index_url: A package index to use instead of PyPI; it does not reach the image either.
        from_nothing: Use nothing of earlier builds.

    Raises:
        ImagesError: Something that the build needs is missing, or the packages are not for this machine.
        EngineError: No engine answers, or the build fails.
    """
    if image.target == "gpu" and platform.machine() == "aarch64":
        raise ImagesError(f"{image.tag}: {NO_ARM_BUILD}")
    chosen = bases.choose(image, base)
    bases.pull(chosen, image)
    arguments = {
        "BASE_IMAGE": chosen.reference,
        "BASE": chosen.pinned,
        "LOCK": image.lock,
        "INDEX_URL": index_url or "",
        **{f"{kind.upper()}_HASH": value for kind, value in asdict(build_input_hashes.of(image)).items()},
    }
    options = [f"--build-arg={name}={value}" for name, value in arguments.items()] + _proxies()
    options += [_NOTHING] if from_nothing else []
    with build_context.assembled(image.root, package=image.package, extra_ca=extra_ca) as folder:
        how = ["--network", engine.network(), *options, "--file", str(_with_more(image, folder)), str(folder)]
        _replace(image.tag, ["--target", image.target, *how])
        if engine.keeps_stages():
            # Named, so that nobody who clears up unnamed images takes the packages from the next build.
            _replace(stage_of(image), ["--target", _STAGE, *(option for option in how if option != _NOTHING)])
    return chosen.pinned


def stage_of(image: DeclaredImage) -> str:
    """Return what an engine without BuildKit calls the packages and sources that ``image`` was put together from."""
    return f"{image.tag}-stage"


def _replace(tag: str, how: Sequence[str]) -> None:
    """Build what a name is to stand for; remove what had the name before, unless somebody needs it."""
    before = engine.inspect(tag)
    engine.build(["--tag", tag, *how])
    if before is not None:
        engine.remove_unnamed(before.id)


def _with_more(image: DeclaredImage, folder: Path) -> Path:
    """Add what the image has besides its lock to a build's context; return the Dockerfile that installs it."""
    dockerfile = image.root / build_input_hashes.DOCKERFILE
    if not image.more:
        return dockerfile
    return extra_packages.add(image.more, context=folder, lock=image.lock, dockerfile=dockerfile)


def planned(image: DeclaredImage) -> Pinned:
    """Return what ``image`` would be pinned to if it were built now; nothing is fetched.

    Raises:
        ImagesError: Something that the build needs is missing.
        EngineError: No engine answers, or the base must be made here first.
    """
    return Pinned(base=bases.choose(image).pinned, **asdict(build_input_hashes.of(image)))


def _proxies() -> list[str]:
    # Named without their values, which may hold passwords: the client takes those from its environment.
    names = [name for lower in _PROXIES for name in (lower, lower.upper())]
    return [f"--build-arg={name}" for name in names if name in os.environ]
