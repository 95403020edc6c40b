"""HTML from text that anyone may have written: every name, reason and value is escaped here."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from harness import text_sanitising


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A table's column; a numeric one is aligned to the right, an ``extra`` one shown on demand."""

    label: str
    numeric: bool = True
    extra: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What stands in a cell, as text; ``sort`` is the number that it is sorted by, None where that is unknown."""

    text: str
    sort: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A table's row.

    ``data`` are the attributes that filters read. The first cell may be a ``link`` to an address or a ``button``, whose
    text says to those who can't see the row what it is about; markup stands before (``mark``) and after its text
    (``aside``).
    """

    cells: Sequence[str | Value]
    data: Mapping[str, str] = field(default_factory=dict)
    link: str | None = None
    button: str | None = None
    mark: str = ""
    aside: str = ""


def escaped(text: object) -> str:
    """Return ``text`` for use between tags or within a quoted attribute; what is not printable is spelt out."""
    return html.escape(text_sanitising.lines(str(text)), quote=True)


def address(name: str) -> str:
    """Return a name for use within an address of the page's own, as the script reads it back."""
    return escaped(quote(text_sanitising.lines(name), safe=""))


def embedded(value: object) -> str:
    """Return ``value`` as JSON that can stand in a script element: ASCII, and without a character that ends one.

    Raises:
        ValueError: A number is not finite; JSON has no word for it.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def shown(value: object) -> object:
    """Return ``value``, made of what JSON knows, for people: what is not printable is spelt out in all of its texts."""
    # First, as a page holds far more numbers than texts.
    if isinstance(value, float | int):
        return value
    if isinstance(value, str):
        return text_sanitising.lines(value)
    if isinstance(value, Mapping):
        return {text_sanitising.lines(key): shown(each) for key, each in value.items()}
    return list(map(shown, value)) if isinstance(value, list | tuple) else value


def table(name: str, *, label: str, columns: Sequence[TableColumn], rows: Sequence[TableRow], heads: int = 1) -> str:
    """Return a table that scrolls within its own frame; its first ``heads`` cells of a row are the row's head.

    ``name`` is the element's id, ``label`` what it is called for those who can't see it. Sorting is left to the script.
    """
    head = "".join(_head(column) for column in columns)
    body = "\n".join(_row(row, columns, heads) for row in rows)
    few = " few" if any(column.extra for column in columns) else ""
    return (
        f"{_more_columns(name) if few else ''}"
        f'<div class="frame" role="region" tabindex="0" aria-label="{escaped(label)}">'
        f'<table id="{escaped(name)}" class="sortable{few}"><caption class="unseen">{escaped(label)}</caption>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _more_columns(name: str) -> str:
    what = f'aria-expanded="false" aria-controls="{escaped(name)}"'
    return f'<button type="button" class="plain columns scripted" {what}>more columns</button>'


def listed(lines: Sequence[str]) -> str:
    """Return a list of texts; nothing where there is none."""
    items = "".join(f"<li>{escaped(line)}</li>" for line in lines)
    return f'<ul class="notes">{items}</ul>' if lines else ""


def folded(summary: str, inner: str, *, name: str | None = None) -> str:
    """Return ``inner``, shown on demand under ``summary``."""
    key = f' id="{escaped(name)}"' if name is not None else ""
    return f"<details{key}><summary>{escaped(summary)}</summary>{inner}</details>"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return a list of terms with their values."""
    items = "".join(f"<dt>{escaped(term)}</dt><dd>{escaped(value)}</dd>" for term, value in pairs)
    return f"<dl>{items}</dl>"


def _kind(column: TableColumn) -> str:
    kinds = [name for name, holds in (("number", column.numeric), ("extra", column.extra)) if holds]
    return f' class="{" ".join(kinds)}"' if kinds else ""


def _head(column: TableColumn) -> str:
    kind = _kind(column)
    return f'<th scope="col"{kind}>{escaped(column.label)}</th>'


def _row(row: TableRow, columns: Sequence[TableColumn], heads: int) -> str:
    data = "".join(f' data-{name}="{escaped(value)}"' for name, value in row.data.items())
    cells = "".join(
        _cell(cell, column, wrap=_first(row) if place == 0 else "{}", is_head=place < heads)
        for place, (cell, column) in enumerate(zip(row.cells, columns, strict=True))
    )
    return f"<tr{data}>{cells}</tr>"


def _first(row: TableRow) -> str:
    """Return what stands around the first cell's text."""
    inner = "{}"
    if row.link is not None:
        inner = f'<a href="{_braced(row.link)}">{{}}</a>'
    elif row.button is not None:
        unseen = f'<span class="unseen">{_braced(row.button)}</span>'
        inner = f'<button type="button" class="more" aria-expanded="false">{{}}{unseen}</button>'
    return f"{row.mark}{inner}{row.aside}"


def _braced(text: str) -> str:
    return escaped(text).replace("{", "{{").replace("}", "}}")


def _cell(cell: str | Value, column: TableColumn, *, wrap: str, is_head: bool) -> str:
    inner = wrap.format(escaped(cell.text if isinstance(cell, Value) else cell))
    # A numeric cell without a number to sort by is unknown: the script puts it last, whichever way it sorts.
    sort = f' data-v="{cell.sort!r}"' if isinstance(cell, Value) and cell.sort is not None else ""
    kind = _kind(column)
    return f'<th scope="row"{kind}{sort}>{inner}</th>' if is_head else f"<td{kind}{sort}>{inner}</td>"
