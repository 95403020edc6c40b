"""A matrix file, read and judged whole before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import spec
from harness.errors import MatrixError
from harness.matrix import reading, searches, sections, shorthand, spaces, structure
from harness.matrix.mistakes import Mistake, Mistaken
from harness.space import Space

# Nobody mends more at once, and a file of another kind may hold thousands.
_MOST_LINES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedMatrix:
    """A matrix that can be run as written.

    ``name`` is the file's name without its ending. ``spaces`` holds the space of each hyperparameter set, by name.
    """

    name: str
    path: Path
    spec: spec.Matrix
    spaces: Mapping[str, Space]


def load(path: Path) -> LoadedMatrix:
    """Read and judge the matrix in ``path``.

    Whether data, weights and tuners are on this machine is not judged here.

    Raises:
        MatrixError: The matrix can't be run as written; it holds one line for each mistake found.
    """
    try:
        document = reading.document(path)
    except Mistaken as error:
        raise MatrixError(error.mistake.line(str(path))) from error
    return _judged(path, shorthand.written_out(document))


def _judged(path: Path, document: dict[str, Any]) -> LoadedMatrix:
    mistakes = [*_file_name(path), *sections.names(document)]
    matrix, misfits = structure.typed(document)
    mistakes += misfits
    resolved: dict[str, Space] = {}
    if matrix is not None:
        resolved, unresolved = _spaces(matrix)
        mistakes += [*unresolved, *sections.judged(matrix, resolved)]
    if mistakes or matrix is None:
        raise MatrixError(*_lines(path, mistakes))
    mistakes = list(searches.judged(matrix, resolved))
    if mistakes:
        raise MatrixError(*_lines(path, mistakes))
    return LoadedMatrix(name=path.stem, path=path, spec=matrix, spaces=resolved)


def _file_name(path: Path) -> list[Mistake]:
    text = sections.name_mistake(path.stem)
    return [] if text is None else [Mistake(key=(), text=f"rename the file, for results are named after it: {text}")]


def _spaces(matrix: spec.Matrix) -> tuple[dict[str, Space], list[Mistake]]:
    resolved, mistakes = {}, []
    for name, named in matrix.hyperparameters.items():
        space, wrong = spaces.resolve(("hyperparameters", name), named)
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
