"""Tuners that users write: the file is found, read and hashed before anything runs, and never run here."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

from harness.errors import UserError

MAKER = "create"
"""What a tuner's file must define: it is called with the space, and returns the tuner."""


def resolve(path: str, *, base: Path) -> dict[str, str]:
    """Return where a tuner's file is, and the SHA-256 of what it holds.

    Raises:
        UserError: It can't be read, is no Python, or defines no ``create``.
    """
    place = (base / Path(path).expanduser()).resolve()
    try:
        data = place.read_bytes()
    except OSError as error:
        raise UserError(f"path: {place}: can't be read ({error.strerror}); check the path") from error
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        raise UserError(f"path: {place}: {line}is no Python ({getattr(error, 'msg', error)}); mend it") from error
    if MAKER not in _defined(tree):
        raise UserError(f"path: {place}: defines no {MAKER}; docs/add-a-tuner.md shows one")
    return {"path": str(place), "sha256": hashlib.sha256(data).hexdigest()}


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
