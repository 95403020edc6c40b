"""Rows and columns of texts in a CSV file, as spreadsheets write it in whatever language. Standard library only."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from harness import errors

_DELIMITERS = ",;\t"
_MOST_NAMED = 3
MOST_COLUMNS = 12
"""As many columns as a line names."""
# What people take for a table, by its first bytes.
_OTHERS = {
    b"PK\x03\x04": "a spreadsheet or another ZIP file",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"SQLite format 3": "a SQLite database",
    b"\x1f\x8b": "a gzip file",
    b"ARROW1": "an Arrow file",
}
_SUFFIXES = ("", ".csv", ".tab", ".tsv", ".txt")
_WAY_OUT = "save it as CSV, TSV or Parquet, with a head and a row for each image"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_csv(path: Path, *, key: str) -> tuple[list[str], list[list[str]]]:
    """Return a table's head and its rows, each as long as the head; rows without any entry are left out.

    Entries have no spaces around them and are in Unicode's composed form.

    Args:
        path: A file in UTF-8, or in UTF-16 that says so, its columns parted by commas, semicolons or tabs.
        key: What of the matrix names the file, for messages.

    Raises:
        DatasetError: It can't be read, is no such file, or holds no rows.
    """
    try:
        data = path.read_bytes()
        _refuse_others(data, f"{key}: {path}")
        text = _text(data)
        first = next(iter(text.splitlines()), "")
        if "\0" in first:
            raise csv.Error("null bytes, as of UTF-16 that doesn't say so")  # noqa: TRY301 - one try for what is no CSV
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.count), strict=True)
        head, *rows = [entries for line in lines if any(entries := [tidy(entry) for entry in line])] or [[]]
    except OSError as error:
        raise errors.DatasetError(f"{key}: {path}: can't be read ({error.strerror}); give a CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise errors.DatasetError(f"{key}: {path}: no CSV file in UTF-8 ({error}); save it as one") from error
    if not rows:
        named = "" if path.suffix.casefold() in _SUFFIXES else f"text, no {path.suffix} file, and as CSV it "
        raise errors.DatasetError(f"{key}: {path}: {named}holds no rows; give a head and a row for each image")
    return head, [_as_long(row, head, path, key) for row in rows]


def tidy(entry: str) -> str:
    """Return a text in Unicode's composed form, without spaces around it."""
    return composed(entry).strip()


def composed(text: str) -> str:
    """Return a text in the form in which the names of images are kept."""
    return unicodedata.normalize("NFC", text)


def listed(names: Sequence[str], *, most: int = _MOST_NAMED) -> str:
    """Return the first few names in quotes."""
    return ", ".join(map(repr, names[:most])) + (", …" if len(names) > most else "")


def place_of(column: str, head: Sequence[str], path: Path, *, key: str) -> int:
    """Return where in a table's head a column stands; ``key`` is what of the matrix names it, for messages.

    Raises:
        DatasetError: None is called so, or several are.
    """
    places = [place for place, name in enumerate(head) if name == tidy(column)]
    if len(places) == 1:
        return places[0]
    if places:
        raise errors.DatasetError(f"{key} = {column!r}: {len(places)} columns of {path} are called so; rename one")
    near = difflib.get_close_matches(column, head, n=1)
    way_out = f"did you mean {near[0]!r}?" if near else f"it has {listed(head, most=MOST_COLUMNS)}"
    raise errors.DatasetError(f"{key} = {column!r}: no column of {path}; {way_out}")


def _refuse_others(data: bytes, where: str) -> None:
    """Refuse what is no table by what it is: of a list in JSON, say, the first line would pass for a head."""
    kind = next((kind for start, kind in _OTHERS.items() if data.startswith(start)), None)
    if kind is None and data.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"[", b"{") and _is_json(data):
        kind = "JSON"
    if kind is not None:
        raise errors.DatasetError(f"{where}: {kind}, and no table; {_WAY_OUT}")


def _is_json(data: bytes) -> bool:
    """Whether it is JSON, or JSON in lines."""
    stripped = data.removeprefix(codecs.BOM_UTF8).strip()
    for text in (stripped, stripped.splitlines()[0]):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _text(data: bytes) -> str:
    return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")


def _as_long(row: list[str], head: Sequence[str], path: Path, key: str) -> list[str]:
    if any(row[len(head) :]):
        raise errors.DatasetError(
            f"{key}: {path}: a row has more entries than the head: {listed(row)}; quote what holds a delimiter"
        )
    return (row + [""] * len(head))[: len(head)]
