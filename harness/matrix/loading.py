"""A matrix file, read and judged whole before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol, runtime_checkable

import tomli_w

from harness import matrix_schema
from harness.errors import MatrixError
from harness.matrix import (
    hyperparameter_sets,
    search_checks,
    section_checks,
    section_shorthand,
    toml_reading,
    type_checks,
)
from harness.matrix.mistakes import Mistake, Mistaken
from harness.space import Space

# Nobody mends more at once, and a file of another kind may hold thousands.
_MOST_LINES = 50


@runtime_checkable
class _Array(Protocol):
    """An array or a number of numpy, which isn't imported for that."""

    def tolist(self) -> object:
        """Return what it holds in Python's own terms."""
        ...


@dataclass(frozen=True, slots=True, init=False)
class Matrix:
    """A matrix that can be run as written: judged whole, as a file is.

    Attributes:
        name: What results are named after: the file's name without its ending.
        path: The file; of a matrix that was built in code the place that relative paths in it start from, and its name.
        text: What the file holds; of a matrix that was built in code the same as TOML.
        spec: What is asked for.
        spaces: The space of each hyperparameter set, by name.
    """

    name: str
    path: Path
    text: str
    spec: matrix_schema.Document
    spaces: Mapping[str, Space]

    def __init__(self, *, name: str, base: Path | str = ".", **sections: object) -> None:
        """Build a matrix in code, with the sections and keys of a matrix file.

        Args:
            name: What its results are called.
            base: Folder that relative paths in it start from.
            sections: ``datasets``, ``backbones``, ``tuners``, ``hyperparameters``, ``seeds``, ``budget`` and so on, as
                dictionaries, lists and plain values; tuples, ranges, iterators, paths and what numpy has are taken
                as lists, texts and numbers, None as left out.

        Raises:
            MatrixError: The matrix can't be run as written; it holds one line for each mistake found.
        """
        text = section_checks.name_mistake(name) if isinstance(name, str | None) else "give a text"
        if text is not None:
            # Told of the name as it was given: a slash in it would be one of a path.
            raise MatrixError(f"name = {name!r}: {text}")
        try:
            document = {key: _plain(section) for key, section in sections.items() if section is not None}
        except RecursionError as error:
            raise MatrixError(f"{name}: a list or table in it holds itself; write out what is meant") from error
        _fill(self, _folder(base) / f"{name}.toml", document, text=None)


def load(path: Path) -> Matrix:
    """Read and judge the matrix in ``path``.

    Whether data, weights and tuners are on this machine is not judged here.

    Raises:
        MatrixError: The matrix can't be run as written; it holds one line for each mistake found.
    """
    try:
        text = toml_reading.text(path)
        document = toml_reading.document(text)
    except Mistaken as error:
        raise MatrixError(error.mistake.line(str(path))) from error
    matrix = object.__new__(Matrix)
    _fill(matrix, path, document, text=text)
    return matrix


def _fill(matrix: Matrix, path: Path, document: dict[str, object], *, text: str | None) -> None:
    judged, resolved = _judged(path, section_shorthand.written_out(document))
    values = {
        "name": path.stem,
        "path": path,
        "text": tomli_w.dumps(document) if text is None else text,
        "spec": judged,
        "spaces": resolved,
    }
    for name, value in values.items():
        object.__setattr__(matrix, name, value)


def _judged(path: Path, document: dict[str, object]) -> tuple[matrix_schema.Document, dict[str, Space]]:
    mistakes = [*_file_name(path), *section_checks.names(document)]
    matrix, misfits = type_checks.typed(document)
    mistakes += misfits
    resolved: dict[str, Space] = {}
    if matrix is not None:
        resolved, unresolved = _spaces(matrix)
        mistakes += [*unresolved, *section_checks.judged(matrix, resolved)]
    if mistakes or matrix is None:
        raise MatrixError(*_lines(path, mistakes))
    mistakes = list(search_checks.judged(matrix, resolved))
    if mistakes:
        raise MatrixError(*_lines(path, mistakes))
    return matrix, resolved


def _folder(base: object) -> Path:
    if not isinstance(base, str | PurePath) or "\0" in str(base):
        raise MatrixError(f"base = {base!r}: give a folder, as text or a path")
    try:
        return Path(base).expanduser()
    except RuntimeError as error:
        raise MatrixError(f"base = {str(base)!r}: nobody's home is known by that name; give it in full") from error


def _plain(value: object) -> object:
    """Return a value as TOML has it: what code writes as tuples, ranges and paths are lists and texts there."""
    if isinstance(value, _Array):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple | range | Iterator):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, PurePath) else value


def _file_name(path: Path) -> list[Mistake]:
    text = section_checks.name_mistake(path.stem)
    return [] if text is None else [Mistake(key=(), text=f"rename the file, for results are named after it: {text}")]


def _spaces(matrix: matrix_schema.Document) -> tuple[dict[str, Space], list[Mistake]]:
    resolved, mistakes = {}, []
    is_recorded = any(dataset.source == matrix_schema.RECORDED for dataset in matrix.datasets.values())
    resolve = hyperparameter_sets.resolve_recorded if is_recorded else hyperparameter_sets.resolve
    for name, named in matrix.hyperparameters.items():
        space, wrong = resolve(("hyperparameters", name), named)
        mistakes += wrong
        if space is not None:
            resolved[name] = space
    return resolved, mistakes


def _lines(path: Path, mistakes: list[Mistake]) -> list[str]:
    lines = [mistake.line(str(path)) for mistake in mistakes[:_MOST_LINES]]
    if len(mistakes) > _MOST_LINES:
        more = Mistake(key=(), text=f"{len(mistakes) - _MOST_LINES} more mistakes; mend these first")
        lines.append(more.line(str(path)))
    return lines
