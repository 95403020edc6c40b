"""Packages that an image has besides its lock: pinned lines in a file, and wheels beside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import files
from harness.container_images.probe import normal
from harness.errors import ImagesError

COPIED = "COPY ${LOCK} /build/lock.txt\n"
"""The Dockerfile's line after which wheels are copied, where there are any."""

_PLACE = "own"
_PINNED = re.compile(r"(?P<what>\S.*?)\s+(?P<hashes>--hash=sha256:[0-9a-f]{64}(\s+--hash=sha256:[0-9a-f]{64})*)")
_VERSION = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^\s;]+)(\s*;.*)?")
_WHEEL = re.compile(r"\./(?P<file>(?P<name>\w[\w.]*)-(?P<version>[^/-]+)(-[^/-]+)?-[^/-]+-[^/-]+-[^/-]+\.whl)")
_NAME = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One package.

    Attributes:
        name: In its one spelling.
        pinned: As a lock says it, without its hashes: ``name==version``.
        hashes: Options that say the SHA-256 of what may be installed.
        wheel: Where it lies; None where it comes from the package index.
    """

    name: str
    pinned: str
    hashes: str
    wheel: Path | None

    @property
    def line(self) -> str:
        """What installs it in the build."""
        what = self.pinned if self.wheel is None else f"/build/{_PLACE}/{self.wheel.name}"
        return f"{what} {self.hashes}"


def read(path: Path, *, lock: Path) -> tuple[Requirement, ...]:
    """Return what a file asks for.

    Raises:
        ImagesError: It can't be read or followed, or asks for what the lock has; one line says where, and the way out.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImagesError(f"{path}: can't be read ({getattr(error, 'strerror', None) or error})") from error
    known = names_in(lock.read_text("utf-8"))
    found: dict[str, Requirement] = {}
    for number, line in _lines(text):
        asked = _parsed(line, path, number)
        if asked.name in known or asked.name in found:
            where = lock if asked.name in known else path
            raise ImagesError(f"{path}: line {number}: {asked.name} stands in {where} already; leave it out")
        found[asked.name] = asked
    return tuple(found.values())


def add(asked: tuple[Requirement, ...], *, context: Path, lock: str, dockerfile: Path) -> Path:
    """Add them to the lock in a build's context, with their wheels; return the Dockerfile that installs them.

    Raises:
        ImagesError: A wheel can't be copied or is another than its line says, or the Dockerfile doesn't copy the lock.
    """
    locked = context / lock
    locked.write_text("\n".join([locked.read_text("utf-8"), *(one.line for one in asked), ""]), "utf-8")
    wheels = [(one, one.wheel) for one in asked if one.wheel is not None]
    if not wheels:
        return dockerfile
    (context / _PLACE).mkdir()
    for one, wheel in wheels:
        _copy(wheel, context / _PLACE / wheel.name, hashes=one.hashes)
    text = dockerfile.read_text("utf-8")
    if COPIED not in text:
        raise ImagesError(f"{dockerfile}: has no line {COPIED.strip()!r}, after which wheels are copied; add it")
    changed = context / "Dockerfile"
    changed.write_text(text.replace(COPIED, f"{COPIED}COPY {_PLACE}/ /build/{_PLACE}/\n"), "utf-8")
    return changed


def names_in(lock: str) -> frozenset[str]:
    """Return the names of the packages that a lock's text pins."""
    return frozenset(map(normal, _NAME.findall(lock)))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with the number of their first part; what a line continues is joined, remarks are left out."""
    number, held = 1, ""
    for now, line in enumerate(text.splitlines(), start=1):
        number = number if held else now
        bare = re.sub(r"(^|\s)#.*", "", line).strip()
        held = f"{held} {bare.removesuffix(chr(92))}".strip()
        if held and not bare.endswith("\\"):
            yield number, held
            held = ""
    if held:
        yield number, held


def _parsed(line: str, path: Path, number: int) -> Requirement:
    pinned = _PINNED.fullmatch(line)
    what = "" if pinned is None else pinned["what"]
    version, wheel = _VERSION.fullmatch(what), _WHEEL.fullmatch(what)
    found = version or wheel
    if pinned is None or found is None:
        wanted = "name==version or ./FILE.whl, each with --hash=sha256:…"
        raise ImagesError(f"{path}: line {number}: {line!r} is none of {wanted}; docs/containers.md shows them")
    place = None if wheel is None else path.parent / wheel["file"]
    if place is not None and not place.is_file():
        raise ImagesError(f"{path}: line {number}: no file {place}; put the wheel there")
    name = normal(found["name"])
    said = what if wheel is None else f"{name}=={found['version']}"
    return Requirement(name=name, pinned=said, hashes=pinned["hashes"], wheel=place)


def _copy(wheel: Path, target: Path, *, hashes: str) -> None:
    try:
        shutil.copyfile(wheel, target)
    except OSError as error:
        raise ImagesError(f"{wheel}: can't be copied for the build ({error.strerror})") from error
    found = files.sha256_of(target)
    if f"sha256:{found}" not in hashes:
        raise ImagesError(f"{wheel}: has SHA-256 {found}, and its line says another; correct the line, or the file")
