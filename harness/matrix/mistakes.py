"""Mistakes in a matrix: where they stand, and one clear line for each."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time

from harness import text_sanitising

Key = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LINE_CHARS = 290
# A deep folder may leave little room; the text then still gets this much.
_LEAST_TEXT_CHARS = 120
_VALUE_CHARS = 40
_NAME_CHARS = 60
_SHOWN_BITS = 64
_LISTED_NAMES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong at ``key``, the value and the way out in one sentence."""

    key: Key
    text: str

    def line(self, file: str) -> str:
        """Return the mistake as one printable line, cut to a length that a terminal shows."""
        where = text_sanitising.line(f"{file}: ")
        what = text_sanitising.line(f"{dotted(self.key)}: {self.text}" if self.key else self.text)
        return where + cut(what, max(_LEAST_TEXT_CHARS, _LINE_CHARS - len(where)))


class Mistaken(Exception):
    """Raised inside the matrix package where one mistake makes further checks of a part pointless."""

    def __init__(self, key: Key, text: str) -> None:
        """Carry one mistake."""
        super().__init__(text)
        self.mistake = Mistake(key=key, text=text)


def dotted(key: Key) -> str:
    """Spell ``key`` as TOML does: ``tuners."optuna-tpe + hyperband".tuner``, ``include[0].dataset``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_quoted(part)}" for part in key).removeprefix(".")


def show(value: object) -> str:
    """Spell a value for a message: text in quotes, tables and lists by their kind only."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        # Python refuses to spell integers of thousands of digits.
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, date | time):
        return f"the date or time {value.isoformat()}"
    return cut(repr(value), _VALUE_CHARS)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that ``name`` is no known ``what``, with the nearest known name or all of them."""
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"unknown {what} {show(name)}; did you mean {near!r}?"
    listed = ", ".join(cut(each, _VALUE_CHARS) for each in names[:_LISTED_NAMES])
    return f"unknown {what} {show(name)}; known: {listed}{', …' if len(names) > _LISTED_NAMES else ''}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` was probably meant to be, letter case aside."""
    folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(name[: 2 * _NAME_CHARS].casefold(), folded, n=1)
    return folded[near[0]] if near else None


def cut(text: str, chars: int) -> str:
    """Return at most ``chars`` characters of ``text``, the last a ``…`` if some are missing."""
    return text if len(text) <= chars else f"{text[: chars - 1]}…"


def _quoted(part: str) -> str:
    return (
        part
        if _BARE_KEY.fullmatch(part) and len(part) <= _NAME_CHARS
        else json.dumps(cut(part, _NAME_CHARS), ensure_ascii=False)
    )
