"""From what a matrix names to where it is and the hash of what it holds: the host's part, which runs nothing of it."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from harness import files
from harness.errors import UserError
from harness.extensions import Kind, package_fingerprint
from harness.matrix_schema import PACKAGE

_ENTRY_POINT = re.compile(r"(?P<module>\w+(\.\w+)*)\s*:\s*(?P<function>\w+(\.\w+)*)\s*(\[.*\])?")
_MOST_NAMES = 12


def find(kind: Kind, given: str, *, base: Path) -> dict[str, str]:
    """Return what is known of a file, or of an installed package's entry point; nothing of it is run.

    Args:
        kind: What it is for.
        given: The path of a file, or ``package:NAME``.
        base: Where relative paths start.

    Raises:
        UserError: It can't be read, is no Python, doesn't define what it is for, or isn't installed.
    """
    name = named(given)
    return _in_file(kind, given, base=base) if name is None else _in_package(kind, name)


def named(given: str) -> str | None:
    """Return the name of the entry point that ``package:NAME`` names; None for the path of a file."""
    return given.removeprefix(PACKAGE) if given.startswith(PACKAGE) else None


def package_of(kind: Kind, given: str) -> str | None:
    """Return the name of the installed package that is named; None for a file, and where there isn't just one."""
    names = {_origin(point)[0] for point in metadata.entry_points(group=kind.group) if point.name == named(given)}
    return names.pop() if len(names) == 1 else None


def _in_file(kind: Kind, path: str, *, base: Path) -> dict[str, str]:
    try:
        place = files.located(base, path)
    except OSError as error:
        raise UserError(f"{kind.key}: {path}: leads nowhere ({error.strerror}); give another path") from error
    try:
        data = place.read_bytes()
    except OSError as error:
        raise UserError(f"{kind.key}: {place}: can't be read ({error.strerror}); check the path") from error
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        raise UserError(f"{kind.key}: {place}: {line}is no Python ({getattr(error, 'msg', error)}); mend it") from error
    if kind.maker not in _defined(tree):
        raise UserError(f"{kind.key}: {place}: defines no {kind.maker}; {kind.guide} shows one")
    return {"path": str(place), "sha256": hashlib.sha256(data).hexdigest()}


def _in_package(kind: Kind, name: str) -> dict[str, str]:
    known = metadata.entry_points(group=kind.group)
    # A package may say the same twice.
    points = {_origin(point): point.value for point in known if point.name == name}
    told = f"{kind.key}: {PACKAGE}{name}"
    if not points:
        raise UserError(f"{told}: {_none_such(kind, name, known.names)}")
    if len(points) > 1:
        both = " and ".join(f"{package} {version}" for package, version in sorted(points))
        raise UserError(f"{told}: {both} have it both, for {kind.group}; uninstall one of them")
    ((package, version), value) = next(iter(points.items()))
    match = _ENTRY_POINT.fullmatch(value.strip())
    if match is None:
        raise UserError(f"{told}: {package} {version} says {value!r}, which is no module:function; correct it there")
    entry_point = f"{match['module']}:{match['function']}"
    try:
        sha256 = package_fingerprint.hash_of(entry_point)
    except LookupError as error:
        raise UserError(f"{told}: {package} {version} can't be used: {error}; install it again, or mend it") from error
    return {"package": package, "version": version, "entry_point": entry_point, "sha256": sha256}


def _origin(point: metadata.EntryPoint) -> tuple[str, str]:
    return ("a package", "without a name") if point.dist is None else (point.dist.name, point.dist.version)


def _none_such(kind: Kind, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if not names:
        return f"no installed package has anything for {kind.group}; install the one that has it beside the harness"
    near = difflib.get_close_matches(name, names, n=3)
    there = f"near it: {', '.join(near)}" if near else f"there are {', '.join(names[:_MOST_NAMES])}"
    return f"no installed package has it for {kind.group} ({there}); name one of these, or install the one that has it"


def _defined(tree: ast.Module) -> set[str]:
    """Return the names that a module has at its top."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found
