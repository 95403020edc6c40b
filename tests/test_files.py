from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
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


@pytest.mark.parametrize("given", ["a\0b", "x" * 5000])
def test_a_path_that_no_file_system_takes_is_an_error_of_the_system(tmp_path: Path, given: str) -> None:
    # Python 3.13 calls it a null character.
    with pytest.raises(OSError, match=r"null (byte|character)|too long"):
        files.located(tmp_path, given)


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "no such file"), OSError("without a number"), ValueError("x")])
def test_what_is_no_trouble_of_the_disk_is_told_apart(error: Exception) -> None:
    assert files.disk_trouble(error, place="here") is None


def test_trouble_of_the_disk_names_the_file_and_the_way_out() -> None:
    named, unnamed = OSError(errno.ENOSPC, "Full", "ä file"), OSError(errno.EIO, "Broken")

    assert files.disk_trouble(named, place="here") == "ä file: Full; free some space, then run again"
    assert files.disk_trouble(unnamed, place="here") == "here: Broken; check the disk, then run again"


def test_an_output_replaces_what_a_link_points_to_and_not_the_link(tmp_path: Path) -> None:
    target, link, second = tmp_path / "there" / "täble.md", tmp_path / "link.md", tmp_path / "second.md"
    link.symlink_to("there/täble.md")
    second.symlink_to(link)

    files.write_output(link, b"first")
    inode = target.stat().st_ino
    files.write_output(second, b"whole")

    assert (link.readlink(), second.readlink()) == (Path("there/täble.md"), link)
    assert target.read_bytes() == b"whole"
    assert target.stat().st_ino != inode
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("linked", [False, True])
def test_an_output_goes_straight_into_a_pipe_which_stays_one(tmp_path: Path, *, linked: bool) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    files.write_output(link if linked else pipe, b"whole")

    assert os.read(reader, 100) == b"whole"
    os.close(reader)
    assert pipe.is_fifo()
    assert link.is_symlink()


def test_an_output_to_the_file_that_is_the_standard_output_keeps_what_was_and_comes_after(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("earlier\n")
    # Not /dev/stdout, which a mistake would replace on the whole machine.
    code = (
        "from pathlib import Path; from harness import files; files.write_output(Path('/proc/self/fd/1'), b'told\\n')"
    )

    with summary.open("a") as stream:
        subprocess.run([sys.executable, "-c", f"{code}; print('printed')"], stdout=stream, check=True)

    assert summary.read_text() == "earlier\ntold\nprinted\n"


def test_what_is_no_output_of_a_user_never_follows_a_link(tmp_path: Path) -> None:
    link, target = tmp_path / "record.json", tmp_path / "elsewhere"
    target.write_bytes(b"kept")
    link.symlink_to(target)

    files.write_atomically(link, b"sealed")

    assert (target.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"kept", b"sealed", False)
