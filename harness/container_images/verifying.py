"""Every way in which what an image would run differs from what is pinned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import image_labels
from harness.container_images import bases, build_input_hashes, engine
from harness.container_images.declarations import DeclaredImage
from harness.container_images.engine import Inspected
from harness.errors import EngineError

USER = 10001
"""The user that images run as."""

_PROBE = Path(__file__).with_name("probe.py")
_LISTED = 10
_MEANING = {"source": "the harness's sources", "lock": "the lock", "recipe": "the Dockerfile and its tools"}


def stale(image: DeclaredImage) -> list[str]:
    """Return what the image's labels alone show to differ, in a line each: quick, as nothing is run.

    Raises:
        EngineError: No engine answers.
    """
    found = engine.inspect(image.tag)
    return [_missing(image)] if found is None else by_labels(image, found)


def by_labels(image: DeclaredImage, found: Inspected) -> list[str]:
    """Return what of an image of this host, of whatever name, its labels show to differ from a declared one.

    Raises:
        EngineError: No engine answers.
    """
    return list(_by_label(image, found))


def verify(image: DeclaredImage) -> list[str]:
    """Return every difference, in a line each, by labels and by what a container finds in itself.

    Raises:
        EngineError: No engine answers.
    """
    found = engine.inspect(image.tag)
    if found is None:
        return [_missing(image)]
    return [*_by_label(image, found), *_inside(image, found)]


def inside(image: DeclaredImage, found: Inspected) -> dict[str, Any]:
    """Return what a container of an image says of itself, as ``probe`` does.

    Raises:
        EngineError: It says nothing that can be read.
    """
    try:
        # By id: whatever the tag comes to mean meanwhile, all looks are at one image.
        program = ["python", "-c", _PROBE.read_text("utf-8")]
        answer: dict[str, Any] = json.loads(
            engine.run_inside(found.id, program, given=build_input_hashes.locked(image))
        )
    except (EngineError, ValueError) as error:
        raise EngineError(f"{image.tag}: what is inside can't be read ({error}); {_remedy(image)}") from error
    return answer


def _missing(image: DeclaredImage) -> str:
    return f"{image.tag}: not on this host; {_remedy(image)}"


def _remedy(image: DeclaredImage) -> str:
    return f"harness images build {image.name}"


def _by_label(image: DeclaredImage, found: Inspected) -> Iterator[str]:
    for kind, now in asdict(build_input_hashes.of(image)).items():
        then = found.labels.get(image_labels.HASH_LABELS[kind])
        if then != now:
            yield (
                f"{image.tag}: {_MEANING[kind]} changed since it was built ({_short(then)} then, {_short(now)} now); "
                f"{_remedy(image)}"
            )
    if found.user.split(":")[0] != str(USER):
        yield f"{image.tag}: runs as '{found.user or 'root'}', not as user {USER}; {_remedy(image)}"
    yield from _base(image, found)


def _base(image: DeclaredImage, found: Inspected) -> Iterator[str]:
    stated = found.labels.get(image_labels.BASE_LABEL, "")
    if not image_labels.has_digest(stated):
        yield f"{image.tag}: its base '{stated}' has no digest, so that it may be any; {_remedy(image)}"
        return
    name = next((name for name, base in image.bases.items() if stated.startswith(base.reference)), None)
    if name is None:
        yield f"{image.tag}: made on {stated}, which images.toml doesn't list for it; {_remedy(image)}"
        return
    here = engine.inspect(image.bases[name].reference)
    if here is None:
        return
    if bases.pinned(image.bases[name], here.layers) != stated:
        yield f"{image.tag}: its base {image.bases[name].reference} was made anew since; {_remedy(image)}"
    elif found.layers[: len(here.layers)] != here.layers:
        yield f"{image.tag}: does not begin with the layers of {stated}, which it names as its base; {_remedy(image)}"


def _inside(image: DeclaredImage, found: Inspected) -> Iterator[str]:
    try:
        answer = inside(image, found)
    except EngineError as error:
        yield str(error)
        return
    yield from (f"{image.tag}: {line}; {_remedy(image)}" for line in _differences(image, answer))


def _differences(image: DeclaredImage, answer: dict[str, Any]) -> Iterator[str]:
    expected, installed = answer["expected"], answer["installed"]
    for name in sorted({*expected, *installed}):
        if name not in expected:
            yield f"{name} {installed[name]} is installed, but not in {image.locks}"
        elif installed.get(name) != expected[name]:
            yield f"{name} is {installed.get(name, 'missing')}, {image.locks} says {expected[name]}"
    yield from answer["altered"][:_LISTED]
    if len(answer["altered"]) > _LISTED:
        yield f"{len(answer['altered']) - _LISTED} more files are not as their packages brought them"
    if answer["source"] != build_input_hashes.of(image).source:
        own = _short(build_input_hashes.of(image).source)
        yield f"the harness inside has source hash {_short(answer['source'])}, this one {own}"
    if answer["uid"] != USER:
        yield f"programs run as user {answer['uid']}, not {USER}"


def _short(value: str | None) -> str:
    return "unstated" if value is None else value[:12]
