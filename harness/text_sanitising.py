"""Text from anywhere, made fit to be shown: nothing in it moves a cursor, turns letters round or hides.

Files, folders, plans and records hold what others wrote. They are stored as they are; what is shown of them, in a
terminal, a table, a picture or a page, goes through here.
"""

from __future__ import annotations

_LAYOUT = "\n\t"


def line(text: str) -> str:
    r"""Return ``text`` as one line: what is not printable (``str.isprintable``) stands as Python spells it, ``\x1b``.

    That holds for controls, line ends, marks of direction, invisible characters, odd spaces and lone surrogates. Two
    texts that differ look different.
    """
    return text if text.isprintable() else "".join(map(_spelt, text))


def lines(text: str) -> str:
    """Return ``text`` likewise, with its line ends and tabs."""
    return text if text.isprintable() else "".join(char if char in _LAYOUT else _spelt(char) for char in text)


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """Return ``1 seed`` or ``3 seeds``; ``nouns`` is the plural where an s doesn't make it."""
    return f"{count} {noun if count == 1 else nouns or f'{noun}s'}"


def _spelt(char: str) -> str:
    return char if char.isprintable() else repr(char)[1:-1]
