from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import errors, files, matrix_schema
from harness.datasets import resolving, verified_sources

Draw = Callable[..., Path]


def resolved_birds(draw: Draw, tmp_path: Path) -> verified_sources.Source:
    for name in ("vögel/a/1.png", "vögel/a/2.png", "vögel/b/1.png"):
        draw(name)
    return resolving.resolve(
        matrix_schema.Dataset(source="folder", path="vögel"), base=tmp_path, cache=tmp_path / "cache"
    )


Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "another picture": lambda root: shutil.copy(root / "a/1.png", root / "b/1.png"),
    "a picture more": lambda root: shutil.copy(root / "a/1.png", root / "b/2.png"),
    "a picture less": lambda root: (root / "a/1.png").unlink(),
    "another name": lambda root: (root / "a/1.png").rename(root / "a/3.png"),
    "another class": lambda root: (root / "a").rename(root / "c"),
    "a class without pictures": lambda root: (root / "b/1.png").unlink(),
    "nothing there": shutil.rmtree,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_folder_that_changed_since_it_was_resolved_is_the_machines_trouble(
    draw: Draw, tmp_path: Path, change: Change
) -> None:
    source = resolved_birds(draw, tmp_path)
    change(tmp_path / "vögel")

    with pytest.raises(errors.MachineError) as caught:
        verified_sources.verify(source)

    assert str(caught.value) == f"{tmp_path}/vögel: changed since the run began; run it again"


def test_a_folder_with_the_same_images_is_the_same(draw: Draw, tmp_path: Path) -> None:
    source = resolved_birds(draw, tmp_path)
    picture = tmp_path / "vögel/a/1.png"
    picture.write_bytes(picture.read_bytes())
    (tmp_path / "vögel/a/notes.txt").touch()

    verified_sources.verify(source)


@pytest.mark.parametrize("changed", ["images.gz", "labels.gz"])
def test_each_of_several_files_is_judged(tmp_path: Path, changed: str) -> None:
    paths = [tmp_path / "images.gz", tmp_path / "labels.gz"]
    for path in paths:
        path.write_text(path.name, encoding="utf-8")
    content_hash = files.digest([files.sha256_of(path) for path in paths])
    source = verified_sources.Source(name="two", kind="idx", paths=tuple(map(str, paths)), content_hash=content_hash)
    verified_sources.verify(source)
    (tmp_path / changed).write_bytes(b"other")

    with pytest.raises(errors.MachineError, match=rf"^{paths[0]}, {paths[1]}: changed since the run began"):
        verified_sources.verify(source)


def test_a_file_that_is_gone_is_one_that_changed(tmp_path: Path) -> None:
    source = verified_sources.Source(name="a.npz", kind="npz", paths=(str(tmp_path / "a.npz"),), content_hash="0" * 64)

    with pytest.raises(errors.MachineError, match=r"a\.npz: changed since the run began; run it again$"):
        verified_sources.verify(source)


def tabled_birds(draw: Draw, tmp_path: Path) -> verified_sources.Source:
    for name in ("a/1.png", "b/1.png"):
        draw(f"vögel/{name}")
    (tmp_path / "vögel/birds.csv").write_text("path,label\na/1.png,a\nb/1.png,b\n")
    dataset = matrix_schema.Dataset(source="table", path="vögel/birds.csv")
    return resolving.resolve(dataset, base=tmp_path, cache=tmp_path / "cache")


def test_the_images_of_a_table_are_judged_and_the_table_is_not(draw: Draw, tmp_path: Path) -> None:
    """What it said when the run began is what holds."""
    source = tabled_birds(draw, tmp_path)
    (tmp_path / "vögel/birds.csv").write_text("path,label\na/1.png,b\nb/1.png,a\n")

    verified_sources.verify(source)


@pytest.mark.parametrize("change", ["another picture", "a picture less", "no list"])
def test_the_images_of_a_table_that_changed_are_the_machines_trouble(draw: Draw, tmp_path: Path, change: str) -> None:
    source = tabled_birds(draw, tmp_path)
    if change == "another picture":
        shutil.copy(tmp_path / "vögel/a/1.png", tmp_path / "vögel/b/1.png")
    else:
        (tmp_path / "vögel/a/1.png" if change == "a picture less" else Path(source.paths[0])).unlink()

    with pytest.raises(errors.MachineError) as caught:
        verified_sources.verify(source)

    assert str(caught.value) == (f"the images of {tmp_path}/vögel/birds.csv: changed since the run began; run it again")
