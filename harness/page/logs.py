"""The last lines of a worker's log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness import files

_COLOURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The end of a log, and how many bytes before it are left out."""

    text: str
    left_out_bytes: int


def tail(path: Path, *, kept_bytes: int) -> Tail | None:
    """Return at most the last ``kept_bytes`` of a log, from the start of a line on; None where there is none to read.

    Bytes that are no UTF-8 are replaced; terminal colours and other control characters are taken out.
    """
    try:
        with files.open_plain(path) as stream:
            size = stream.seek(0, 2)
            start = stream.seek(max(0, size - kept_bytes))
            kept = stream.read()
    except OSError:
        return None
    if start > 0:
        kept = _from_a_line_on(kept)
    return Tail(text=_readable(kept), left_out_bytes=size - len(kept))


def _from_a_line_on(kept: bytes) -> bytes:
    _, newline, rest = kept.partition(b"\n")
    return rest if newline and rest else kept


def _readable(kept: bytes) -> str:
    text = kept.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", _COLOURS.sub("", text)).rstrip("\n")
