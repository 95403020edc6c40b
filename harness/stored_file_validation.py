"""From the bytes of a results folder to objects that can be trusted: the one place where they are read and checked.

What is refused is refused in one line: the file, the key, the value and the way out. What a value can be is declared
with its type (``harness.record_schema``).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from harness import dated_toml_tables, files
from harness.errors import ResultsError

_Form = TypeVar("_Form")

MOVE = "move it away and run the matrix again"
MOVE_FOLDER = "move its folder away and run the matrix again"
_MOST_SHOWN = 300
_SEAL = "sha256"
_SUM = re.compile(rb', "crc32": "([0-9a-f]{8})"}\n\Z')


def read(path: Path, *, way_out: str = f"make it readable, or {MOVE_FOLDER}") -> bytes | None:
    """Return a file's bytes, or None where there is none.

    Raises:
        ResultsError: It is a link, no plain file, or can't be read.
    """
    try:
        return files.read_plain(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultsError(f"{path}: can't be read ({error.strerror}); {way_out}") from error


def table(text: bytes, *, where: object, way_out: str = MOVE) -> dict[str, object]:
    """Return the JSON object that ``text`` holds.

    Raises:
        ResultsError: It holds something else; the line begins with ``where``.
    """
    try:
        value = from_json(text)
    except ValueError as error:
        raise ResultsError(f"{where}: not JSON ({_line(error)}); {way_out}") from error
    if not isinstance(value, dict):
        raise ResultsError(f"{where}: no table; {way_out}")
    return value


def sealed(fields: Mapping[str, object]) -> dict[str, object]:
    """Return a table with a checksum of all that it holds as its last key."""
    return {**fields, _SEAL: _seal_of(fields)}


def sealed_text(fields: Mapping[str, object]) -> bytes:
    """Return the text of ``sealed``, which has at least one key, in half the time: nothing is written out twice."""
    text = files.readable_json(fields)
    seal = hashlib.sha256(text).hexdigest()
    return text.removesuffix(b"\n}\n") + f',\n "{_SEAL}": "{seal}"\n}}\n'.encode()


def unsealed(text: bytes, *, where: object, way_out: str = MOVE_FOLDER, since: str | None = None) -> dict[str, object]:
    """Return the table that ``sealed`` made, without its checksum.

    Earlier ones have none: those whose value under ``since`` is unknown, if that is a key of later ones.

    Raises:
        ResultsError: It isn't as it was sealed; the line begins with ``where``.
    """
    fields = table(text, where=where, way_out=way_out)
    seal = fields.pop(_SEAL, None)
    is_earlier = seal is None and (since is None or fields.get(since) is None)
    if not is_earlier and seal != _seal_of(fields):
        raise ResultsError(f"{where}: not what was sealed; {way_out}")
    return fields


def checked(text: bytes, form: type[_Form], *, where: object, way_out: str = MOVE) -> _Form:
    """Return the object of ``form`` that ``text`` holds as JSON.

    Raises:
        ResultsError: It holds something else; the line begins with ``where``.
    """
    try:
        return _adapter(form).validate_json(text)
    except ValidationError as error:
        raise ResultsError(f"{where}: {_line(error)}; {way_out}") from error


def lines(text: bytes | None, form: type[_Form], *, path: Path) -> list[_Form]:
    """Return an object for each line of the file at ``path``, which holds ``text``; a torn last line is none.

    Raises:
        ResultsError: A line isn't of that form, or not as it was written.
    """
    adapter, found = _adapter(form), []
    for number, line in enumerate(whole_lines(text), 1):
        try:
            found.append(adapter.validate_json(_without_sum(line)))
        except ValueError as error:
            raise ResultsError(f"{path}: line {number} can't be read ({_line(error)}); {MOVE_FOLDER}") from error
    return found


def whole_lines(text: bytes | None) -> list[bytes]:
    """Return the lines that have reached their end."""
    return [line + b"\n" for line in (text or b"").split(b"\n")[:-1]]


def with_sum(line: bytes) -> bytes:
    """Return a JSON object's line with a checksum as its last key, and the line's end."""
    return b'%s, "crc32": "%08x"}\n' % (line[:-1], zlib.crc32(line))


def _without_sum(line: bytes) -> bytes:
    """Return a line without its checksum; earlier records' have none.

    Raises:
        ValueError: It isn't as it was written.
    """
    found = _SUM.search(line)
    if found is None:
        return line
    own = line[: found.start()] + b"}"
    if int(found[1], 16) != zlib.crc32(own):
        raise ValueError("its checksum doesn't fit")
    return own


def _seal_of(fields: Mapping[str, object]) -> str:
    return hashlib.sha256(files.readable_json(fields)).hexdigest()


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def _adapter(form: type[_Form]) -> TypeAdapter[_Form]:
    if form not in _ADAPTERS:
        _ADAPTERS[form] = TypeAdapter(form)
    return _ADAPTERS[form]


def _line(error: ValueError) -> str:
    """Return what is wrong in one short line, whatever the value is made of."""
    said = _told(error) if isinstance(error, ValidationError) else str(error)
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in said[:_MOST_SHOWN])
    return shown if len(said) <= _MOST_SHOWN else f"{shown} …"


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return f"not JSON ({first['ctx']['error']})"
    return dated_toml_tables.first_mistake(error, whole="line")
