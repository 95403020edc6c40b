from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from harness import files


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "täble.md"

    files.write_atomically(path, b"whole")

    assert path.read_bytes() == b"whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_keeps_the_old_file_and_leaves_no_scraps(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b"old")

    with pytest.raises(TypeError):
        files.write_atomically(path, "not bytes")  # type: ignore[arg-type]  # the mistake under test

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_readable_utf_8(tmp_path: Path) -> None:
    files.write_json(tmp_path / "x.json", {"name": "Größe"})

    assert '"Größe"' in (tmp_path / "x.json").read_text("utf-8")


def test_the_digest_ignores_the_order_of_keys_and_nothing_else() -> None:
    assert files.digest({"a": 1, "b": [1, 2]}) == files.digest({"b": [1, 2], "a": 1})
    assert files.digest({"a": [1, 2]}) != files.digest({"a": [2, 1]})
    assert files.digest({"a": 1}) != files.digest({"a": "1"})


def test_nan_has_no_digest() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.digest(float("nan"))


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"bytes" * 100_000)

    assert files.sha256_of(tmp_path / "x") == hashlib.sha256(b"bytes" * 100_000).hexdigest()


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "no such file"), OSError("without a number"), ValueError("x")])
def test_what_is_no_trouble_of_the_disk_is_told_apart(error: Exception) -> None:
    assert files.disk_trouble(error, place="here") is None


def test_trouble_of_the_disk_names_the_file_and_the_way_out() -> None:
    named, unnamed = OSError(errno.ENOSPC, "Full", "ä file"), OSError(errno.EIO, "Broken")

    assert files.disk_trouble(named, place="here") == "ä file: Full; free some space, then run again"
    assert files.disk_trouble(unnamed, place="here") == "here: Broken; check the disk, then run again"
