"""What a container says of itself. This file's text is run inside it, with the lock on standard input; prints JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

_PRODUCT = "tuner-harness"


def locked(lock: str) -> dict[str, str]:
    """Return the version of each package that a lock asks for here."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - the host need not have it

    lines = (line.removesuffix("\\").strip() for line in lock.splitlines() if re.match(r"[A-Za-z0-9]", line))
    asked = [Requirement(line) for line in lines]
    held = [one for one in asked if one.marker is None or one.marker.evaluate()]
    return {normal(one.name): str(one.specifier).removeprefix("==") for one in held}


def normal(name: str) -> str:
    """Return a package's name in its one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def altered(packages: list[metadata.Distribution]) -> Iterator[str]:
    """Yield each installed file that isn't as its package brought it."""
    for package in packages:
        for file in package.files or ():
            if file.hash is None:
                continue
            place = Path(str(package.locate_file(file)))
            if not place.is_file():
                yield f"{file} is missing"
            elif _hashed(place, file.hash.mode) != file.hash.value:
                yield f"{file} was changed"


def unrecorded(packages: list[metadata.Distribution], folder: Path) -> Iterator[str]:
    """Yield each file beside the packages that none of them brought, but for what names the harness's folder."""
    known = {os.path.normpath(str(package.locate_file(file))) for package in packages for file in package.files or ()}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc" and str(path) not in known and path != folder / "code.pth":
            yield str(path.relative_to(folder))


def _hashed(path: Path, mode: str) -> str:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, mode).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def main() -> None:
    """Print what is here."""
    from harness import environment  # noqa: PLC0415 - only an image has it where it is looked for

    installed = {normal(one.name): one for one in metadata.distributions()}
    packages = [one for name, one in installed.items() if name != _PRODUCT]
    folders = [Path(str(installed[name].locate_file(""))) for name in ("packaging", _PRODUCT)]
    strangers = [path for folder in folders for path in unrecorded(list(installed.values()), folder)]
    found = {
        "expected": locked(sys.stdin.read()),
        "installed": {name: one.version for name, one in installed.items() if name != _PRODUCT},
        "altered": [*altered(packages), *(f"{path} belongs to no package" for path in strangers)],
        "source": environment.code_hash(),
        "environment": environment.lock_hash(),
        "uid": os.getuid(),
    }
    print(json.dumps(found))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
