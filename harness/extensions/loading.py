"""From what the host found to what is called: the worker's part."""

from __future__ import annotations

import functools
import hashlib
import importlib
from collections.abc import Callable
from importlib import metadata
from operator import attrgetter
from pathlib import Path
from types import ModuleType

from harness import files
from harness.errors import MachineError, UserError, reason
from harness.extensions import Found, Kind, package_fingerprint


def maker(kind: Kind, found: Found) -> Callable[..., object]:
    """Import what was found, once, and return the function that a file or an entry point is for.

    Raises:
        MachineError: It isn't here, or isn't what it was when the cell was planned.
        UserError: The entry point names no such function.
    """
    if "entry_point" in found:
        return _of_package(found["package"], found["version"], found["entry_point"], found["sha256"])
    return _attribute(load(Path(found["path"]), found["sha256"]), kind.maker)


def called(found: Found) -> str:
    """Return what messages call it."""
    return f"{found['package']} {found['version']}" if "entry_point" in found else Path(found["path"]).name


def held(found: Found) -> str:
    """Return the SHA-256 of a file as it is, or of a package that is as it was found.

    Raises:
        MachineError: The package isn't.
        OSError: The file can't be read.
    """
    if "entry_point" not in found:
        return files.sha256_of(Path(found["path"]))
    _verify(found["package"], found["version"], found["entry_point"], found["sha256"])
    return found["sha256"]


@functools.lru_cache(maxsize=16)
def load(path: Path, sha256: str) -> ModuleType:
    """Run a file and return it as a module; once, however often it is asked for.

    Raises:
        MachineError: It isn't what it was when the cell was planned.
    """
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise MachineError(f"{path}: changed since the run began; run it again")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    # What is run is what was hashed: reading the file again might find another.
    exec(compile(data, str(path), "exec"), module.__dict__)  # noqa: S102 - the user's own code, which is what is asked for
    return module


def forget() -> None:
    """Let each file be run anew when it is next asked for, so that nothing it remembers passes on."""
    load.cache_clear()


@functools.lru_cache(maxsize=16)
def _of_package(package: str, version: str, entry_point: str, sha256: str) -> Callable[..., object]:
    _verify(package, version, entry_point, sha256)
    module, _, function = entry_point.partition(":")
    try:
        imported = importlib.import_module(module)
    except ImportError as error:
        raise MachineError(
            f"{package} {version}: {module} can't be imported ({reason(error)}); install what it needs where cells run"
        ) from error
    try:
        return _attribute(imported, function)
    except AttributeError as error:
        raise UserError(f"{package} {version}: {module} has no {function}; correct its entry point") from error


def _attribute(module: ModuleType, dotted: str) -> Callable[..., object]:
    made: Callable[..., object] = attrgetter(dotted)(module)
    return made


def _verify(package: str, version: str, entry_point: str, sha256: str) -> None:
    try:
        if package_fingerprint.hash_of(entry_point) == sha256:
            return
        here = f"{_installed(package)} of other files"
    except LookupError as error:
        here = f"{_installed(package)}, and {error}"
    raise MachineError(
        f"{package} {version}: the cell was planned with it, and here is {here}; install the same where cells run, or "
        "run again if it changed"
    )


def _installed(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"no {package}"
