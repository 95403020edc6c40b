"""A matrix file's bytes to a TOML document; what can't be read is told in one line."""

from __future__ import annotations

import codecs
import re
import tomllib
from pathlib import Path

from harness.matrix.mistakes import Mistaken, show

_PLACE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_MOST_LEVELS = 16
_TOO_DEEP = "is nested too deeply; a matrix needs four levels"
_TWICE = ("Cannot declare", "Cannot overwrite", "Cannot mutate", "Duplicate")


def text(path: Path) -> str:
    """Return what the file ``path`` holds.

    Raises:
        Mistaken: The file is missing, unreadable or not UTF-8.
    """
    return _text(_bytes(path))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Mistaken((), "no such file; check the path") from error
    except IsADirectoryError as error:
        raise Mistaken((), "is a folder; name a .toml file in it") from error
    except PermissionError as error:
        raise Mistaken((), "may not be read by this user; change its permissions") from error
    except (OSError, ValueError) as error:
        # ValueError: a path that no file system takes, such as one with a null byte.
        raise Mistaken((), f"can't be read ({getattr(error, 'strerror', None) or error}); check the path") from error


def _text(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Mistaken((), "is UTF-16 text; save it as UTF-8")
    if data.startswith(codecs.BOM_UTF8):
        raise Mistaken((), "begins with a byte order mark; save it as UTF-8 without one")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Mistaken(
            (), f"line {line}: byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error


def document(text: str) -> dict[str, object]:
    """Return the TOML document that ``text`` is.

    Raises:
        Mistaken: It is not TOML.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Mistaken((), _toml_mistake(str(error), text)) from error
    except RecursionError as error:
        raise Mistaken((), _TOO_DEEP) from error
    except ValueError as error:
        # Python refuses to read integers of thousands of digits, and dates that no calendar has.
        raise Mistaken((), f"holds a number or date that can't be read ({error}); shorten it") from error
    if _is_deeper(found, _MOST_LEVELS):
        raise Mistaken((), _TOO_DEEP)
    return found


def _is_deeper(value: object, levels: int) -> bool:
    """Whether tables and lists lie within each other more than so many levels deep."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


def _toml_mistake(message: str, text: str) -> str:
    lines = text.split("\n")
    line, column = _place(message, lines)
    what = _PLACE.sub("", message)
    way_out = "name it once" if what.startswith(_TWICE) else "text needs quotes; lists and tables need both brackets"
    found = lines[line - 1].strip()
    return (
        f"line {line}, column {column}: {what[:1].lower()}{what[1:]}{f' in {show(found)}' if found else ''}; {way_out}"
    )


def _place(message: str, lines: list[str]) -> tuple[int, int]:
    place = _PLACE.search(message)
    if place is None or place["line"] is None:
        return len(lines), len(lines[-1]) + 1
    return int(place["line"]), int(place["column"])
