from __future__ import annotations

from pathlib import Path

import pytest

from harness.executors import capped_log


def kept(path: Path, *chunks: bytes, kept_bytes: int = 10) -> bytes:
    capped_log.append(path / "worker.log", chunks, kept_bytes=kept_bytes)
    return (path / "worker.log").read_bytes()


@pytest.mark.parametrize("chunks", [(), (b"",), (b"short",), (b"12345", b"67890"), (b"1234567890",), (b"1",) * 10])
def test_what_fits_is_kept_whole(tmp_path: Path, chunks: tuple[bytes, ...]) -> None:
    assert kept(tmp_path, *chunks) == b"".join(chunks)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_of_what_does_not_fit_the_beginning_and_the_end_are_kept(tmp_path: Path, size: int) -> None:
    text = b"abcdefghijklmnopqrstuvwxyz"
    chunks = [text[start : start + size] for start in range(0, len(text), size)]

    assert kept(tmp_path, *chunks) == b"abcde\n[16 bytes left out]\nvwxyz"


def test_a_huge_output_takes_no_more_room_than_is_kept(tmp_path: Path) -> None:
    size = len(kept(tmp_path, *[b"x" * 65536] * 100, kept_bytes=capped_log.KEPT_BYTES))

    assert capped_log.KEPT_BYTES < size < capped_log.KEPT_BYTES + 100


def test_earlier_output_stays(tmp_path: Path) -> None:
    kept(tmp_path, b"first\n")

    assert kept(tmp_path, b"second") == b"first\nsecond"
