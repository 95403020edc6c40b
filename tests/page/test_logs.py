from __future__ import annotations

from pathlib import Path

from harness.page import logs


def test_a_missing_log_is_told_from_an_empty_one(tmp_path: Path) -> None:
    assert logs.tail(tmp_path / "none.log", kept_bytes=10) is None
    (tmp_path / "empty.log").touch()
    found = logs.tail(tmp_path / "empty.log", kept_bytes=10)
    assert found is not None
    assert (found.text, found.left_out_bytes) == ("", 0)


def test_a_log_that_leads_to_another_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a password")
    (tmp_path / "worker.log").symlink_to("secret")

    assert logs.tail(tmp_path / "worker.log", kept_bytes=100) is None


def test_a_short_log_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes("eins\r\nzwölf\n".encode())
    found = logs.tail(path, kept_bytes=100)
    assert found is not None
    assert (found.text, found.left_out_bytes) == ("eins\nzwölf", 0)


def test_of_a_long_log_whole_last_lines_are_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("first\nsecond\nthird\n")
    found = logs.tail(path, kept_bytes=10)
    assert found is not None
    assert (found.text, found.left_out_bytes) == ("third", len("first\nsecond\n"))


def test_one_endless_line_is_cut_in_its_middle(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 1000 + b"\n")
    found = logs.tail(path, kept_bytes=10)
    assert found is not None
    assert (found.text, found.left_out_bytes) == ("x" * 9, 991)


def test_colours_nul_bytes_and_broken_utf8_are_made_readable(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"\x1b[31mred\x1b[0m\x00 \xff progress\rdone\n")
    found = logs.tail(path, kept_bytes=100)
    assert found is not None
    assert found.text == "red � progress\ndone"
