from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.campaign.folder_limit import GIB, LOOK_S, FolderLimit

MIB = 2**20


def ticking(*readings: float) -> Callable[[], float]:
    told = iter(readings)
    return lambda: next(told)


def limit(path: Path, mib: float, *readings: float) -> FolderLimit:
    return FolderLimit(path=path, limit_gib=mib * MIB / GIB, clock=ticking(*(readings or (0.0, 0.0))))


def fill(path: Path, mib: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * mib * MIB)


def test_a_folder_within_its_limit_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path / "worker.log", 1)

    assert limit(tmp_path, 3).excess() is None


def test_what_holds_most_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "worker.log", 1)
    fill(tmp_path / "scratch" / "a" / "b", 2)
    fill(tmp_path / "scratch" / "c", 2)

    line = limit(tmp_path, 4).excess()

    assert line is not None
    assert "of it in scratch) and may hold" in line
    assert line.endswith("raise container.folder_gib")


def test_links_lead_nowhere_and_holes_take_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", 4)
    folder = tmp_path / "cell"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "file").symlink_to(tmp_path / "elsewhere")
    with (folder / "holes").open("wb") as stream:
        stream.truncate(64 * MIB)

    assert limit(folder, 1).excess() is None


def test_between_two_looks_nothing_is_read(tmp_path: Path) -> None:
    # It begins, ends 0.01 s later, is asked too early, and in time.
    subject = limit(tmp_path, 1, 0.0, 0.01, LOOK_S, LOOK_S + 0.01, LOOK_S + 0.01)
    assert subject.excess() is None
    fill(tmp_path / "worker.log", 2)

    assert subject.excess() is None
    assert subject.excess() is not None


def test_a_folder_that_takes_long_to_read_is_read_seldom(tmp_path: Path) -> None:
    subject = limit(tmp_path, 1, 0.0, 1.0, 100.9, 101.0, 101.0)
    assert subject.excess() is None
    fill(tmp_path / "worker.log", 2)

    assert subject.excess() is None
    assert subject.excess() is not None


@pytest.mark.parametrize("limit_gib", [1.0, math.inf])
def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path, limit_gib: float) -> None:
    subject = FolderLimit(path=tmp_path / "gone", limit_gib=limit_gib, clock=lambda: 0.0)

    assert subject.excess() is None
