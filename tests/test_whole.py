from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import whole


def test_a_folder_is_built_once(tmp_path: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "a.txt").write_text("a", encoding="utf-8")

    assert whole.folder(tmp_path / "deep" / "key", build) == whole.folder(tmp_path / "deep" / "key", build)
    assert len(built) == 1
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["key"]
    assert (tmp_path / "deep" / "key" / "a.txt").read_text(encoding="utf-8") == "a"


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        whole.folder(tmp_path / "key", build)
    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_builders_wins(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "late").touch()
        (tmp_path / "key").mkdir()
        (tmp_path / "key" / "early").touch()

    path = whole.folder(tmp_path / "key", build)

    assert [file.name for file in path.iterdir()] == ["early"]
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_what_a_killed_builder_left_is_removed_once_it_is_a_day_old(tmp_path: Path) -> None:
    old, young, another = (tmp_path / name for name in (".key.1.aa", ".key.2.bb", ".other.3.cc"))
    for aside in (old, young, another):
        aside.mkdir()
        (aside / "half").touch()
    for aside in (old, another):
        os.utime(aside, (0, 0))

    whole.folder(tmp_path / "key", lambda folder: (folder / "done").touch())

    assert sorted(path.name for path in tmp_path.iterdir()) == [".key.2.bb", ".other.3.cc", "key"]
