from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness import atomic_folders


def test_a_folder_is_built_once(tmp_path: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "a.txt").write_text("a", encoding="utf-8")

    assert atomic_folders.folder(tmp_path / "deep" / "key", build) == atomic_folders.folder(
        tmp_path / "deep" / "key", build
    )
    assert len(built) == 1
    assert shown(tmp_path / "deep") == ["key"]
    assert (tmp_path / "deep" / "key" / "a.txt").read_text(encoding="utf-8") == "a"


def shown(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_folders.folder(tmp_path / "key", build)
    assert shown(tmp_path) == []


def test_of_several_builders_the_others_wait_and_take_what_the_first_built(tmp_path: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "a").write_text("whole", "utf-8")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: atomic_folders.folder(tmp_path / "key", build), range(8)))

    assert found == [tmp_path / "key"] * 8
    assert len(built) == 1
    assert shown(tmp_path) == ["key"]


def test_other_folders_are_built_at_the_same_time(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=20)

    def build(_: Path) -> None:
        both.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: atomic_folders.folder(tmp_path / name, build), ["one", "two"]))

    assert shown(tmp_path) == ["one", "two"]


def _be_killed(folder: Path) -> None:
    (folder / "half").write_bytes(b"x" * 1000)
    os.kill(os.getpid(), signal.SIGKILL)


def _build(path: Path, build: Callable[[Path], None]) -> None:
    atomic_folders.folder(path, build)


def test_what_a_killed_builder_left_goes_with_the_next_one(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_build, args=(tmp_path / "key", _be_killed))
    process.start()
    process.join(20)
    assert process.exitcode == -signal.SIGKILL
    assert shown(tmp_path) == [".key.lock", ".key.part"]

    def build(folder: Path) -> None:
        assert list(folder.iterdir()) == []
        (folder / "done").touch()

    atomic_folders.folder(tmp_path / "key", build)

    assert shown(tmp_path) == ["key"]
    assert shown(tmp_path / "key") == ["done"]


@pytest.mark.parametrize("named", [None, "elsewhere"])
def test_the_disks_trouble_names_the_folder_unless_it_names_a_file(tmp_path: Path, named: str | None) -> None:
    def build(_: Path) -> None:
        given: tuple[Any, ...] = (errno.ENOSPC, "No space left on device", *([named] if named else []))
        raise OSError(*given)

    with pytest.raises(OSError, match="No space left") as caught:
        atomic_folders.folder(tmp_path / "key", build)

    assert caught.value.filename == (named or str(tmp_path / "key"))
