"""The standard streams: whatever is written there arrives, in letters that whoever reads them has."""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import IO

from harness import text_sanitising

# What the harness itself writes beyond ASCII, in letters that every encoding has.
_IN_ASCII = {"·": "-", "–": "-", "—": "-", "…": "...", "±": "+-", "×": "x", "≤": "<=", "≥": ">=", "≈": "~", "→": "->"}
_IN_ASCII |= {"∞": "inf", "½": "1/2"}
_ERRORS = "harness.in_ascii"


def accept_everything() -> None:
    """Let no character be an error on the standard streams: what an encoding lacks is spelt in ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def is_asked() -> bool:
    """Whether somebody sits at a terminal and can answer a question."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def shown(text: str, stream: IO[str]) -> str:
    """Return ``text`` as one printable line in letters that ``stream`` has."""
    return spelt(text_sanitising.line(text), stream)


def spelt(text: str, stream: IO[str]) -> str:
    """Return ``text`` in letters that ``stream`` has."""
    # A stream that keeps text, as a test's, has no encoding.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, _ERRORS).decode(encoding)


def say(text: str, stream: IO[str]) -> None:
    """Write ``text`` as one line, at once."""
    stream.write(f"{shown(text, stream)}\n")
    stream.flush()


def document(value: object) -> None:
    """Print ``value`` as JSON: ASCII, in which every name is exact and none does anything to a terminal."""
    sys.stdout.write(f"{json.dumps(value, indent=1)}\n")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(char) or _escaped(char) for char in lacking), error.end


def _escaped(char: str) -> str:
    return char.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(_ERRORS, _in_ascii)
