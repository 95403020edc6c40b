from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.executors import file_ownership
from harness.executors.file_ownership import User

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root is never the worker's user")
OTHER = User(uid=4711, gid=4712)
WORKER = User(uid=10001, gid=10001)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "ä cell"
    (path / "scratch").mkdir(parents=True)
    (path / "scratch" / "file").write_text("x")
    (path / "link").symlink_to(tmp_path / "nowhere")
    return path


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


@as_user
def test_a_container_runs_as_the_user_who_asks(folder: Path) -> None:
    assert file_ownership.worker(folder) == User(uid=os.geteuid(), gid=os.getegid())
    before = owners(folder)
    file_ownership.hand_over(folder, of=None, to=OTHER)
    assert owners(folder) == before


@as_root
def test_no_container_runs_as_root(folder: Path) -> None:
    assert file_ownership.worker(folder) == WORKER


@as_root
def test_in_roots_place_the_owner_of_the_cache_works(folder: Path) -> None:
    os.chown(folder, OTHER.uid, OTHER.gid)

    assert file_ownership.worker(folder) == OTHER


@as_root
def test_a_folder_is_lent_and_given_back_without_following_links(folder: Path, tmp_path: Path) -> None:
    (folder / "outside").symlink_to(tmp_path)
    file_ownership.hand_over(folder, of=None, to=WORKER)
    assert owners(folder) == {WORKER.uid}

    file_ownership.hand_over(folder, of=WORKER, to=file_ownership.owner(tmp_path))

    assert owners(folder) == {0}
    assert tmp_path.stat().st_uid == 0


@as_root
def test_what_belongs_to_somebody_else_stays_theirs(folder: Path) -> None:
    os.chown(folder / "scratch", OTHER.uid, OTHER.gid)

    file_ownership.hand_over(folder, of=file_ownership.ROOT, to=WORKER)

    assert owners(folder) == {OTHER.uid, WORKER.uid}


def test_a_user_is_written_as_engines_read_it() -> None:
    assert str(OTHER) == "4711:4712"
