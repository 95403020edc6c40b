"""Which of the harness's own sources a search runs through, and a hash of what they do.

A search's result depends on the modules that its worker imports, and on nothing else of the harness. What an adapter
of another library does is none of its business, nor are comments, docstrings and layout: they change no result.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness import files

_PACKAGE = Path(__file__).parent
_WORKER = "harness.worker.__main__"
_BACKBONES = "catalogue/backbones.json"

_CHOSEN: Mapping[str, tuple[str, str]] = {
    "harness.tuners.own_tuner": ("library", "file"),
    "harness.backbones.efficientnet_lite0": ("model", "EfficientNetLite0"),
    "harness.backbones.torch_tensor_reader": ("model", "EfficientNetLite0"),
    "harness.backbones.own_model": ("model", "file"),
    "harness.datasets.own_data": ("data", "file"),
    "harness.datasets.extracted_images": ("data", "file"),
    "harness.worker.table_replay": ("program", "replay"),
    "harness.tuners.every_configuration": ("program", "record"),
    "harness.objectives.grid_of_heads": ("program", "record"),
    "harness.worker.executor_probe": ("program", "probe"),
    "harness.worker.model_export": ("program", "save"),
}
"""Modules that only the cells which choose them run through, by that choice: a user's own tuner, a model, or a kind of
data; what records curves or replays them; and what saves a model or tries an executor, which no search does. All else
that the worker imports, at once or later, is run through by every cell."""

_LIBRARIES = ("tuners", "catalogue/tuner_libraries")
"""Where each tuner library has a module of its name, adapter and declaration; nothing imports them but by that name."""

# Texts for readers of the documentation, which say what a thing is and do nothing.
_SAID = frozenset({"meaning", "drawn_as", "users_tell"})
# Fields of syntax trees that some versions of Python have and others don't.
_UNSTEADY = frozenset({"type_params", "type_comment", "kind"})


def of_cell(*, library: str, model: str, data: str = "", program: str = "", package: Path = _PACKAGE) -> str:
    """Return the SHA-256 over the sources that a cell runs through.

    Args:
        library: What its tuner comes from: a library's name, ``harness`` or ``file``.
        model: Its backbone's name.
        data: The source of its data.
        program: ``record`` or ``replay`` where it is no search that trains.
        package: The harness's package, or a copy.
    """
    entry = _backbones(package).get(model)
    modules = reached(library=library, model=model, data=data, program=program, package=package)
    return _digest(package, modules, entry)


def of_training(*, model: str, data: str = "", package: Path = _PACKAGE) -> str:
    """Return the same without any tuner's adapter: of what prepares images and activations, and trains."""
    return of_cell(library="harness", model=model, data=data, package=package)


def of_any_cell(package: Path = _PACKAGE) -> str:
    """Return the SHA-256 over the sources that any cell runs through: what an image of the harness is made from."""
    libraries = {("library", path.stem) for path in package.joinpath(_LIBRARIES[1]).glob("*.py")}
    everything = _reached(package, frozenset({*_CHOSEN.values(), *libraries}))
    return _digest(package, everything, _backbones(package))


def as_they_are(package: Path = _PACKAGE) -> str:
    """Return the SHA-256 over all sources to the byte, comments included: evidence, and no part of an identity."""
    overall = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        # What a wheel brings for images stands beside the package in a checkout.
        if path.suffix in (".py", ".json", ".toml") and "image_sources" not in path.parts:
            overall.update(f"{path.relative_to(package).as_posix()}\0{files.sha256_of(path)}\n".encode())
    return overall.hexdigest()


def reached(*, library: str, model: str, data: str = "", program: str = "", package: Path = _PACKAGE) -> frozenset[str]:
    """Return the names of the modules that a cell runs through."""
    choices = {("library", library), ("model", model), ("data", data), ("program", program)}
    return _reached(package, frozenset(choices))


def _reached(package: Path, choices: frozenset[tuple[str, str]]) -> frozenset[str]:
    found: set[str] = set()
    pending = [_WORKER, *_of_libraries(choices)]
    while pending:
        name = pending.pop()
        path = _path_of(package, name)
        if name in found or path is None or (name in _CHOSEN and _CHOSEN[name] not in choices):
            continue
        found.add(name)
        pending += [*_read(path).imports, *_parents(name)]
    return frozenset(found)


def _of_libraries(choices: Iterable[tuple[str, str]]) -> Iterator[str]:
    for kind, chosen in choices:
        if kind == "library":
            yield from (f"harness.{place.replace('/', '.')}.{chosen.replace('-', '_')}" for place in _LIBRARIES)


def _digest(package: Path, modules: Iterable[str], data: object) -> str:
    does = {name: _read(path).does for name in sorted(modules) if (path := _path_of(package, name)) is not None}
    return files.digest([does, data])


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _path_of(package: Path, name: str) -> Path | None:
    """Return a module's file; None for what is no module of the harness.

    None, too, for the package itself: it says a version and what its users may call, and does nothing in a worker.
    """
    top, *rest = name.split(".")
    if top != "harness" or not rest:
        return None
    place = package.joinpath(*rest)
    candidates = (place / "__init__.py", place.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a module does, as a hash, and what it imports."""

    does: str
    imports: tuple[str, ...]


def _read(path: Path) -> _Read:
    return _read_at(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)
def _read_at(path: Path, _changed: int) -> _Read:
    tree = ast.parse(path.read_bytes())
    return _Read(hashlib.sha256(_spelt(tree).encode()).hexdigest(), tuple(_imported(tree, path)))


def _imported(tree: ast.Module, path: Path) -> Iterator[str]:
    """Yield every name that a module imports, be it a module or something of one; imports for types alone are not."""
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            if node.level:
                raise ValueError(f"{path}: a relative import, which this can't follow; name the module in full")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk over what runs: not over blocks for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _running(node)


def _spelt(node: object) -> str:
    """Return what a syntax tree does, without docstrings, comments, layout and said texts: in every Python the same."""
    if isinstance(node, list):
        return f"[{','.join(_spelt(each) for each in node if not _is_said(each))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, getattr(node, name, None)) for name in node._fields if name not in _UNSTEADY)
    told = ",".join(f"{name}={_spelt(value)}" for name, value in fields if value is not None and value != [])
    return f"{type(node).__name__}({told})"


def _is_said(node: object) -> bool:
    """Whether it is a string that stands alone, which does nothing, or an argument that is only shown."""
    if isinstance(node, ast.keyword):
        return node.arg in _SAID
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@lru_cache(maxsize=8)
def _backbones_at(path: Path, _changed: int) -> Mapping[str, object]:
    found: Mapping[str, object] = json.loads(path.read_bytes())["backbones"]
    return found


def _backbones(package: Path) -> Mapping[str, object]:
    path = package / _BACKBONES
    return _backbones_at(path, path.stat().st_mtime_ns) if path.is_file() else {}
