from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness import errors
from harness.datasets import cached_image_lists, extracted_images
from harness.datasets.extracted_images import Picture
from harness.datasets.image_folders import Layout
from harness.datasets.part_aliases import Part

FREE, TRAIN, VALIDATION, TEST = Part.FREE, Part.TRAIN, Part.VALIDATION, Part.TEST


@dataclass(frozen=True, kw_only=True)
class FakePacked:
    """Files of a line for each picture: its bytes, label and group."""

    path: Path
    splits: Mapping[str, Sequence[Path]]
    told: Sequence[object] = ()
    read: list[Path] = field(default_factory=list)

    def pictures(self, file: Path, _split: str) -> Iterator[Picture]:
        self.read.append(file)
        for line in file.read_text("utf-8").splitlines():
            data, label, group, name = line.split(",")
            yield Picture(data=data.encode(), label=label, group=group or None, file_name=name or None)


def packed(folder: Path, *, told: Sequence[object] = (), **splits: str) -> FakePacked:
    """A file for each part of a split's text between bars."""
    files = {}
    for name, text in splits.items():
        files[name] = tuple(folder / f"{name}{number}" for number in range(len(text.split("|"))))
        for file, part in zip(files[name], text.split("|"), strict=True):
            file.write_text(part, "utf-8")
    return FakePacked(path=folder, splits=files, told=told)


def unpacked(held: FakePacked) -> Layout:
    return cached_image_lists.read(extracted_images.unpacked(held, cache=held.path / "cache"))


def test_pictures_become_files_with_a_list_of_them(tmp_path: Path) -> None:
    found = unpacked(packed(tmp_path, data="one,cat,,a/1.PNG\ntwo,dog,,|three, Gämse ,,../x.sh"))

    assert [(file.name, file.label, file.part) for file in found.files] == [
        ("data[0]", "cat", FREE),
        ("data[1]", "dog", FREE),
        ("data[2]", " Gämse ", FREE),
    ]
    assert [file.path.read_bytes() for file in found.files] == [b"one", b"two", b"three"]
    assert [file.path.name for file in found.files] == ["000.png", "001", "002"]
    assert {file.path.parent.parent.parent for file in found.files} == {tmp_path / "cache/datasets"}
    assert found.groups is None


def test_they_are_unpacked_once(tmp_path: Path) -> None:
    held = packed(tmp_path, data="one,cat,,\ntwo,dog,,")

    first, second = unpacked(held), unpacked(held)

    assert first == second
    assert len(held.read) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"data": "three,cat,,\ntwo,dog,,"},
        {"data": "one,cat,,\ntwo,dog,,", "told": ["label"]},
        {"train": "one,cat,,\ntwo,dog,,", "test": "one,cat,,\ntwo,dog,,"},
    ],
    ids=["bytes", "columns", "splits"],
)
def test_other_bytes_columns_or_splits_are_unpacked_anew(tmp_path: Path, change: dict[str, Any]) -> None:
    plain = extracted_images.unpacked(packed(tmp_path, data="one,cat,,\ntwo,dog,,"), cache=tmp_path / "cache")

    assert extracted_images.unpacked(packed(tmp_path, **change), cache=tmp_path / "cache") != plain


def test_a_folder_holds_a_thousand_at_most(tmp_path: Path) -> None:
    found = unpacked(packed(tmp_path, data="\n".join(f"{number},{number % 2},," for number in range(2001))))

    assert [found.files[number].path.parent.name for number in (0, 999, 1000, 2000)] == [
        *("00000", "00000", "00001", "00002")
    ]


@pytest.mark.parametrize(
    ("splits", "parts"),
    [
        (("test",), [FREE]),
        (("unsupervised",), [FREE]),
        (("test", "train"), [FREE, TEST]),
        (("validation", "train"), [FREE, VALIDATION]),
        (("test", "val", "training"), [TRAIN, VALIDATION, TEST]),
    ],
    ids=str,
)
def test_splits_are_parts_and_a_lone_one_is_shared_out(
    tmp_path: Path, splits: tuple[str, ...], parts: list[Part]
) -> None:
    held = packed(tmp_path, **{split: f"{split},cat,,\n{split} too,dog,," for split in splits})

    assert [file.part for file in unpacked(held).files[::2]] == parts


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (
            ("train", "extra"),
            "no part is called 'extra'; give the path of one split, or keep only those that are parts",
        ),
        (("test", "val"), "has no split train, but 'test', 'val'; give the path of one split, or"),
        (("train", "val", "validation"), "of 'train', 'val', 'validation' two are the same part; give the path of one"),
    ],
    ids=str,
)
def test_splits_that_are_no_parts_of_a_data_set_are_told(tmp_path: Path, splits: tuple[str, ...], message: str) -> None:
    held = packed(tmp_path, **dict.fromkeys(splits, "one,cat,,\ntwo,dog,,"))

    with pytest.raises(errors.DatasetError) as caught:
        unpacked(held)

    assert str(caught.value).startswith(f"path: {tmp_path}: {message}")


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"data": ""}, "path: {}: holds no pictures"),
        ({"data": "one,cat,,\ntwo,cat,,"}, "path: {}: holds one class only, 'cat'; two or more are needed"),
        (
            {"train": "one,cat,,\ntwo,dog,,", "test": "one,cat,,"},
            "path: {}: class 'dog' is not in all of its parts; every part needs every class",
        ),
        (
            {"train": "one,cat,A,\ntwo,dog,B,", "test": "one,cat,C,\nthree,dog,B,"},
            (
                "group: group 'B' stands in several parts: 'train[1]', 'test[1]'; move its images into one "
                "part, or leave group out"
            ),
        ),
    ],
)
def test_what_is_no_data_set_is_told_and_leaves_nothing_behind(
    tmp_path: Path, splits: dict[str, str], message: str
) -> None:
    with pytest.raises(errors.DatasetError) as caught:
        unpacked(packed(tmp_path, **splits))

    assert str(caught.value) == message.format(tmp_path)
    assert list((tmp_path / "cache/datasets").iterdir()) == []


def test_groups_go_with_their_pictures(tmp_path: Path) -> None:
    held = packed(tmp_path, train="one,cat,A,\ntwo,dog,B,", test="three,cat,C,\nfour,dog,D,")

    assert unpacked(held).groups == ("A", "B", "C", "D")


def test_a_file_that_cant_be_read_is_told(tmp_path: Path) -> None:
    held = packed(tmp_path, data="one,cat,,\ntwo,dog,,")
    (tmp_path / "data0").unlink()

    with pytest.raises(errors.DatasetError, match=r"^path: .*: data0 can't be read \(No such file or directory\)"):
        unpacked(held)


@pytest.mark.parametrize(
    ("value", "names", "text"),
    [
        *(("x", None, "x"), (3, None, "3"), (-1, None, "-1"), (True, None, "True"), (b"x\xff", None, "x\ufffd")),
        *((1, ("a", "b"), "b"), ("x", ("a", "b"), "x")),
    ],
)
def test_a_label_is_a_name_or_a_number(value: str | int | bytes, names: Sequence[str] | None, text: str) -> None:
    assert extracted_images.text_of(value, names, column="label", place="here") == text


@pytest.mark.parametrize(
    ("value", "names"), [(None, None), ("", None), (b"", None), ("NaN", None), (-1, ("a",)), (None, ("a",))]
)
def test_no_label_is_told(value: str | int | bytes | None, names: Sequence[str] | None) -> None:
    with pytest.raises(errors.DatasetError) as caught:
        extracted_images.text_of(value, names, column="label", place="test: picture 3")

    assert str(caught.value) == (
        "test: picture 3 has no entry in 'label'; give the path of a split in which every picture has one, or leave "
        "this split out"
    )


@pytest.mark.parametrize("value", [2, -2])
def test_a_class_without_a_name_is_told(value: int) -> None:
    with pytest.raises(errors.DatasetError, match=rf"^here is of class {value}, of 2 that have names$"):
        extracted_images.text_of(value, ("a", "b"), column="label", place="here")
