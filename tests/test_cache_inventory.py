from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness import cache_inventory, files
from harness.cells import Cell
from harness.errors import UserError
from harness.record_schema import DataTable

KEY, OTHER, SHORT = "a" * 64, "b" * 64, "c" * 32


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with two data sets' images, the activations of one of them, a download and a survey."""
    root = tmp_path / "ä cache"
    for name, size in {
        f"images/{KEY}/images.npy": 3000,
        f"images/{OTHER}/images.npy": 1000,
        f"activations/{SHORT}/activations.npy": 500,
        f"downloads/{KEY}/birds.tar": 200,
        f"downloads/{KEY}/birds.tar.sha256": 10,
        f"surveys/{KEY}.json": 50,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    cache_inventory.mark_prepared(
        root,
        "k1",
        data=DataTable(images=5),
        kept={f"images/{KEY}": "birds at 32×32", f"activations/{SHORT}": "birds through M"},
    )
    return root


def paths(cache: Path) -> list[str]:
    return [kept.path for kept in cache_inventory.contents(cache)]


def test_contents_say_what_for_how_large_and_when_last_used(cache: Path) -> None:
    os.utime(cache / "prepared" / "k1", (0, 86400))

    found = {kept.path: kept for kept in cache_inventory.contents(cache)}

    images = found[f"images/{KEY}"]
    assert (images.kind, images.what, images.size_bytes) == ("images", "birds at 32×32", 3000)
    assert images.last_used == datetime(1970, 1, 2, tzinfo=UTC)
    assert found[f"images/{OTHER}"].what is None
    assert found[f"images/{OTHER}"].last_used > images.last_used
    assert (found[f"downloads/{KEY}"].what, found[f"downloads/{KEY}"].size_bytes) == ("birds.tar", 210)
    assert [kept.kind for kept in found.values()] == ["downloads", "surveys", "images", "images", "activations"]


def test_a_cache_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert cache_inventory.contents(tmp_path / "none") == []
    assert cache_inventory.half_built(tmp_path / "none") == []


def test_what_is_relied_on_is_used_now(cache: Path) -> None:
    os.utime(cache / "prepared" / "k1", (0, 86400))

    assert cache_inventory.prepared(cache, "k1") == DataTable(images=5)

    assert cache_inventory.contents(cache)[2].last_used.year > 2000


@pytest.mark.parametrize("text", ["", "{}", '{"images": 5}', "[]", "{"])
def test_a_note_of_another_version_or_torn_is_none(cache: Path, text: str) -> None:
    (cache / "prepared" / "k1").write_text(text)

    assert cache_inventory.prepared(cache, "k1") is None
    assert {kept.what for kept in cache_inventory.contents(cache)} == {None, "birds.tar"}


def test_pruning_takes_the_note_along_so_that_it_is_prepared_again(cache: Path) -> None:
    cache_inventory.mark_prepared(cache, "k2", data=DataTable(), kept={f"images/{OTHER}": "cats at 32×32"})

    cache_inventory.prune(cache, [kept for kept in cache_inventory.contents(cache) if kept.path == f"images/{KEY}"])

    assert f"images/{KEY}" not in paths(cache)
    assert len(paths(cache)) == 4
    assert cache_inventory.prepared(cache, "k1") is None
    assert cache_inventory.prepared(cache, "k2") == DataTable()
    assert cache_inventory.half_built(cache) == []


def test_everything_may_go_and_nothing_else_is_touched(cache: Path) -> None:
    for name in ("images/holiday.jpg", "images/.git/config", "mine/.a.1.00000000", "notes.txt"):
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_text("mine")

    with cache_inventory.used(cache):
        pass
    cache_inventory.prune(cache, cache_inventory.contents(cache))

    assert paths(cache) == []
    left = [path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()]
    assert sorted(left) == ["images/.git/config", "images/holiday.jpg", "lock", "mine/.a.1.00000000", "notes.txt"]


def leave_half_built(cache: Path) -> None:
    for name in (f"images/.{KEY}.part/half", f"downloads/{KEY}/.birds.tar.77.0123abcd", "downloads/.pip-x1/half.whl"):
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_bytes(b"x" * 10)
    (cache / f"images/.{OTHER}.12.0123abcd").mkdir()


def test_what_killed_processes_left_goes_before_and_after_a_run(cache: Path) -> None:
    leave_half_built(cache)
    assert len(cache_inventory.half_built(cache)) == 4

    with cache_inventory.used(cache):
        assert cache_inventory.half_built(cache) == []
        leave_half_built(cache)

    assert cache_inventory.half_built(cache) == []
    assert len(paths(cache)) == 5


def test_nothing_half_built_goes_while_another_run_may_be_building_it(cache: Path) -> None:
    with cache_inventory.used(cache):
        leave_half_built(cache)
        with cache_inventory.used(cache):
            pass
        with pytest.raises(UserError, match="in use by a run; wait for its end"):
            cache_inventory.prune(cache, cache_inventory.contents(cache))

        assert len(cache_inventory.half_built(cache)) == 4
        assert len(paths(cache)) == 5


def test_two_runs_use_a_cache_at_once(cache: Path) -> None:
    with (
        cache_inventory.used(cache),
        cache_inventory.used(cache),
        (cache / "lock").open() as lock,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_cache_without_a_place_for_a_lock_serves_too(tmp_path: Path) -> None:
    with cache_inventory.used(tmp_path / "none"):
        assert not (tmp_path / "none").exists()


def test_a_cell_needs_what_was_computed_and_what_was_fetched_but_not_the_users_own_files(
    cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    own = cell.model_copy(update={"source": cell.source.changed(name=f"{tmp_path}/birds", paths=[f"{tmp_path}/birds"])})
    weights = cell.weights.changed(kind="imagenet", path=f"{tmp_path}/c/downloads/{KEY}/w.h5")
    fetched = own.model_copy(update={"weights": weights})

    needed = cache_inventory.kept_for(fetched, [f"images/{KEY}", f"activations/{SHORT}"], cache=tmp_path / "c")

    assert needed == {
        f"images/{KEY}": "~/birds at 32×32",
        f"activations/{SHORT}": "~/birds at 32×32 through MobileNetV2 (imagenet)",
        f"downloads/{KEY}": "MobileNetV2 (imagenet)",
    }
    assert cache_inventory.kept_for(own, [], cache=tmp_path / "c") == {}


def test_no_text_names_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/jane")

    told = files.without_home({"a": ["/home/jane/x and /home/jane/y", 5, None], "b": ("/home/janet/x",)})

    assert told == {"a": ["~/x and ~/y", 5, None], "b": ["/home/janet/x"]}
    monkeypatch.setenv("HOME", "/")
    assert files.without_home("/x/y") == "/x/y"
