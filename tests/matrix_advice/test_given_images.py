from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.errors import DatasetError
from harness.matrix_advice import given_images
from harness.matrix_advice.given_images import GivenImages


def picture(path: Path, shade: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), (shade, 9, 9)).save(path)
    return path


def look(path: Path, tmp_path: Path, **hints: object) -> GivenImages:
    return given_images.look(path, hints=hints, cache=tmp_path / "cache", results=tmp_path / "results")


def folder(root: Path) -> Path:
    for number in range(4):
        picture(root / ("größer" if number % 2 else "klein") / f"{number}.png", 10 * number)
    return root


def test_class_folders_are_read_as_a_folder(tmp_path: Path) -> None:
    found = look(folder(tmp_path / "my images"), tmp_path)

    assert (found.section["source"], found.images) == ("folder", 4)


def test_a_table_is_read_as_a_table(tmp_path: Path) -> None:
    folder(tmp_path / "images")
    table = tmp_path / "list.csv"
    table.write_text("path,kind\nimages/klein/0.png,a\nimages/klein/2.png,b\n", "utf-8")

    found = look(table, tmp_path, columns={"label": "kind"})

    assert (found.section["source"], found.images) == ("table", 2)


def test_arrays_are_read_as_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 4, 4), np.uint8), y=np.array([0, 1]))

    found = look(tmp_path / "a.npz", tmp_path)

    assert (found.section["source"], found.images) == ("npz", None)


def test_what_can_not_be_read_is_told_in_a_line_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    picture(tmp_path / "one/only/1.png", 1)
    (tmp_path / "a.zip").write_bytes(b"PK")

    for name, said in (
        ("empty", "holds no class folders; put the images of each class in a folder of it"),
        ("one", "holds one class only, 'only'; two or more are needed"),
        ("a.zip", "a file of another kind; give a folder .* unpack an archive first"),
        ("nowhere", "no such file or folder; check the path"),
    ):
        with pytest.raises(DatasetError, match=said):
            look(tmp_path / name, tmp_path)
