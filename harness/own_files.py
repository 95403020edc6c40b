"""Python files of users' own that a matrix names: found and hashed on the host, and run in the worker alone."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Final

from harness.errors import MachineError, UserError


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is for: the key that names it, what it must define, and the page that shows one."""

    key: str
    maker: str
    guide: str


TUNER: Final = Kind("path", "create", "docs/add-a-tuner.md")
MODEL: Final = Kind("path", "create", "docs/add-a-model.md")
DATA: Final = Kind("path", "read", "docs/add-a-data-set.md")
METRIC: Final = Kind("metric", "score", "docs/add-a-metric.md")


def find(kind: Kind, path: str, *, base: Path) -> dict[str, str]:
    """Return where a file is, and the SHA-256 of what it holds; nothing of it is run.

    Raises:
        UserError: It can't be read, is no Python, or doesn't define what it is for.
    """
    place = (base / Path(path).expanduser()).resolve()
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


@lru_cache(maxsize=16)
def load(path: Path, sha256: str) -> ModuleType:
    """Run the file and return it as a module; once, however often it is asked for.

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
