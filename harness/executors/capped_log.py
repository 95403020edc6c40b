"""A worker's output, kept to a size: its beginning and its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

KEPT_BYTES = 2**20


def append(path: Path, chunks: Iterable[bytes], *, kept_bytes: int = KEPT_BYTES) -> None:
    """Add ``chunks`` to the file; of more than ``kept_bytes`` of them keep the first and the last half.

    A line between the halves says how much was left out.
    """
    half = kept_bytes // 2
    room, tail, tail_bytes, left_out = half, deque[bytes](), 0, 0
    with path.open("ab") as stream:
        for chunk in chunks:
            head, rest = chunk[:room], chunk[room:]
            room -= len(head)
            stream.write(head)
            tail.append(rest)
            tail_bytes += len(rest)
            while tail_bytes - len(tail[0]) >= half:
                left_out += len(tail[0])
                tail_bytes -= len(tail.popleft())
        _write_end(stream.write, b"".join(tail), half=half, left_out=left_out)


def _write_end(write: Callable[[bytes], object], end: bytes, *, half: int, left_out: int) -> None:
    kept = end[-half:]
    left_out += len(end) - len(kept)
    if left_out:
        write(f"\n[{left_out} bytes left out]\n".encode())
    write(kept)
