from __future__ import annotations

import builtins
import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import errors, matrix_schema
from harness.datasets import cached_image_lists, decoding, extracted_images, huggingface
from harness.datasets.image_folders import Layout
from harness.datasets.part_aliases import Part

GOLDEN = Path(__file__).parents[1] / "golden" / "huggingface"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
FEATURES: Mapping[str, Any] = {
    "image": {"_type": "Image"},
    "label": {"_type": "ClassLabel", "names": ["sea eagle", "Drossel"]},
}
ROWS: Mapping[str, Sequence[Any]] = {"image": [b"one", b"two", b"three"], "label": [0, 1, 1]}


def table(rows: Mapping[str, Sequence[Any]], features: Mapping[str, Any] | None) -> pa.Table:
    """Columns of bytes become pictures, as the library keeps them."""
    arrays = {
        name: pa.array([_picture(value) for value in values], IMAGE) if name in ("image", "mask") else pa.array(values)
        for name, values in rows.items()
    }
    found = pa.table(arrays)
    told = {} if features is None else {"huggingface": json.dumps({"info": {"features": dict(features)}})}
    return found.replace_schema_metadata(told)


def _picture(value: Any) -> Any:
    return {"bytes": value, "path": "photos/x.PNG"} if isinstance(value, bytes) else value


def saved(
    folder: Path, *shards: Mapping[str, Sequence[Any]], split: str | None = None, features: Any = FEATURES
) -> Path:
    """Write a split as ``save_to_disk`` does."""
    folder.mkdir(parents=True)
    names = [f"data-{number:05}-of-{len(shards):05}.arrow" for number in range(len(shards))]
    for name, rows in zip(names, shards, strict=True):
        held = table(rows, features)
        with pa.OSFile(str(folder / name), "wb") as stream, pa.ipc.new_stream(stream, held.schema) as writer:
            writer.write_table(held, max_chunksize=2)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0" * 16, "_split": split}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def saved_splits(folder: Path, **splits: Mapping[str, Sequence[Any]]) -> Path:
    for name, rows in splits.items():
        saved(folder / name, rows, split=name)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    return folder


def exported(file: Path, rows: Mapping[str, Sequence[Any]] = ROWS, features: Any = FEATURES) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table(rows, features), file, row_group_size=2)
    return file


def read(path: Path, cache: Path, **columns: str) -> Layout:
    held = huggingface.opened(path, matrix_schema.Columns.model_validate(columns) if columns else None)
    return cached_image_lists.read(extracted_images.unpacked(held, cache=cache))


def refused(path: Path, **columns: str) -> str:
    with pytest.raises(errors.DatasetError) as caught:
        read(path, path.parent / "cache", **columns)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "PATH")


def told(found: Layout) -> list[tuple[str, bytes, str]]:
    return [(file.name, file.path.read_bytes(), file.label) for file in found.files]


EXPECTED = [("data[0]", b"one", "sea eagle"), ("data[1]", b"two", "Drossel"), ("data[2]", b"three", "Drossel")]


def test_a_saved_data_set_is_read(tmp_path: Path) -> None:
    found = read(saved(tmp_path / "birds", ROWS), tmp_path / "cache")

    assert told(found) == EXPECTED
    assert {file.part for file in found.files} == {Part.FREE}
    assert {file.path.suffix for file in found.files} == {".png"}


@pytest.mark.parametrize("form", ["saved", "exported"])
def test_what_the_library_itself_wrote_is_read(form: str, tmp_path: Path) -> None:
    """Kept as datasets 5.2.0 wrote it: six pictures of one shade each."""
    found = read(GOLDEN / form, tmp_path / "cache", group="site")

    assert [file.name for file in found.files] == [*(f"train[{number}]" for number in range(4)), "test[0]", "test[1]"]
    assert [file.label for file in found.files] == ["sea eagle", "Drossel"] * 3
    assert [decoding.decode(file.path)[0, 0, 0] for file in found.files] == [0, 20, 40, 60, 80, 100]
    assert [file.part for file in found.files] == [Part.FREE] * 4 + [Part.TEST] * 2
    assert found.groups == ("0 0", "0 0", "0 1", "0 1", "4 0", "4 0")


def test_files_follow_each_other_as_they_are_listed(tmp_path: Path) -> None:
    more: dict[str, list[Any]] = {"image": [b"four", b"five"], "label": [0, 0]}

    found = read(saved(tmp_path / "birds", ROWS, more, split="train"), tmp_path / "cache")

    assert [file.name for file in found.files] == [f"train[{number}]" for number in range(5)]
    assert [file.path.read_bytes() for file in found.files][3:] == [b"four", b"five"]


def test_saved_splits_are_parts(tmp_path: Path) -> None:
    path = saved_splits(tmp_path / "birds", train=ROWS, test=ROWS)

    assert [file.part for file in read(path, tmp_path / "c").files] == [Part.FREE] * 3 + [Part.TEST] * 3
    assert told(read(path / "test", tmp_path / "c")) == [(f"test{name[4:]}", *rest) for name, *rest in EXPECTED]


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"), "train"),
        (("train-00000-of-00001-0123456789abcdef.parquet", "test-00000-of-00001.parquet"), "train"),
        (("train/0000.parquet", "test/0000.parquet"), "train"),
        (("default/train/0000.parquet", "default/test/0000.parquet"), "train"),
        (("train.parquet", "test.parquet"), "train"),
        (("0000.parquet",), "data"),
        (("0000.parquet", "0001.parquet"), "data"),
        (("a.parquet", ".hidden/b.parquet", ".c.parquet"), "a"),
    ],
    ids=str,
)
def test_parquet_files_are_named_after_their_splits(tmp_path: Path, names: Sequence[str], split: str) -> None:
    for name in names:
        exported(tmp_path / "birds" / name)

    found = read(tmp_path / "birds", tmp_path / "cache")

    assert found.files[0].name == f"{split}[0]"
    assert len(found.files) == (3 if split == "a" else 3 * len(names))


def test_one_parquet_file_is_a_data_set(tmp_path: Path) -> None:
    assert told(read(exported(tmp_path / "birds [1].parquet"), tmp_path / "cache")) == EXPECTED


def test_the_same_pictures_are_the_same_data_however_they_are_kept(tmp_path: Path) -> None:
    hashes = {
        read(path, tmp_path / "cache").content_hash
        for path in (
            saved(tmp_path / "whole", ROWS),
            saved(tmp_path / "in two", *({name: values[rows] for name, values in ROWS.items()} for rows in HALVES)),
            exported(tmp_path / "birds.parquet"),
        )
    }
    other = read(saved(tmp_path / "other", {**ROWS, "label": [1, 1, 0]}), tmp_path / "cache").content_hash

    assert len(hashes) == 1
    assert other not in hashes


HALVES = (slice(0, 1), slice(1, 3))


def test_files_that_say_nothing_of_features_are_read_by_their_types(tmp_path: Path) -> None:
    rows = {"image": ROWS["image"], "species": ["cat", "dog", "dog"]}
    plain = exported(tmp_path / "plain.parquet", rows, None)
    numbered = exported(tmp_path / "numbered.parquet", {"image": ROWS["image"], "label": [3, 4, 4]}, None)
    raw = tmp_path / "raw.parquet"
    pq.write_table(pa.table({"photo": ROWS["image"], "label": pa.array(["a", "b", "b"]).dictionary_encode()}), raw)

    assert read(plain, tmp_path / "c").classes == ("cat", "dog")
    assert read(numbered, tmp_path / "c").classes == ("3", "4")
    assert [file.label for file in read(raw, tmp_path / "c").files] == ["a", "b", "b"]


def test_which_columns_are_meant_may_have_to_be_said(tmp_path: Path) -> None:
    names = {"_type": "ClassLabel", "names": ["a", "b"]}
    features = {"image": FEATURES["image"], "mask": FEATURES["image"], "fine": names, "coarse": names}
    rows: dict[str, list[Any]] = {
        "image": [b"one", b"two"],
        "mask": [b"m", b"m"],
        "fine": [0, 1],
        "coarse": [1, 0],
        "site": ["A", "B"],
        "tags": [["x"], ["y"]],
    }
    path = saved(tmp_path / "birds", rows, features=features)

    found = read(path, tmp_path / "cache", image="image", label="coarse", group="site")

    assert [(file.path.read_bytes(), file.label) for file in found.files] == [(b"one", "b"), (b"two", "a")]
    assert found.groups == ("A", "B")
    assert refused(path) == (
        "path: PATH: which column is the image? Say it as columns = { image = \"…\" }: columns 'image', 'mask' may all "
        "be it"
    )
    assert refused(path, image="image") == (
        "path: PATH: which column is the label? Say it as columns = { label = \"…\" }: columns 'fine', 'coarse' may "
        "all be it"
    )
    assert refused(path, image="fine") == "columns.image = 'fine': holds text, and no pictures"
    assert refused(path, image="image", label="tags").startswith("columns.label = 'tags': holds list<")
    assert refused(path, image="imag") == "columns.image = 'imag': no column of PATH; did you mean 'image'?"


def test_a_data_set_without_pictures_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "texts", {"text": ["a", "b"], "label": [0, 1]})

    assert refused(path) == (
        "path: PATH: which column is the image? Say it as columns = { image = \"…\" }: it has 'text', 'label'"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"label": [0, 1, -1]},
            (
                "picture 2 has no entry in 'label'; give the path of a split in which every picture has one, or leave "
                "this split out"
            ),
        ),
        (
            {"label": [0, None, 1]},
            (
                "picture 1 has no entry in 'label'; give the path of a split in which every picture has one, or leave "
                "this split out"
            ),
        ),
        ({"label": [0, 1, 2]}, "picture 2 is of class 2, of 2 that have names"),
        (
            {"image": [b"one", {"bytes": None, "path": "/photos/2.png"}, b"three"]},
            (
                "picture 1 is the path '/photos/2.png' and no picture; save the data set by save_to_disk, which puts "
                "them in"
            ),
        ),
    ],
)
def test_a_picture_that_makes_no_sense_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = saved(tmp_path / "birds", {**ROWS, **change})

    assert refused(path) == f"path: PATH: data: data-00000-of-00001.arrow: {message}"


def test_no_picture_at_all_is_an_empty_file_which_is_told_as_unreadable(tmp_path: Path) -> None:
    rows: dict[str, list[Any]] = {"image": [b"one", None, {"bytes": None, "path": None}], "label": [0, 1, 1]}

    found = read(saved(tmp_path / "birds", rows), tmp_path / "cache")

    assert [file.path.read_bytes() for file in found.files] == [b"one", b"", b""]


@pytest.mark.parametrize("name", ["data-00000-of-00001.arrow", "0000.parquet"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_files_that_are_cut_off_are_told(tmp_path: Path, name: str, kept: float) -> None:
    path = tmp_path / "birds"
    file = saved(path, ROWS) / name if name.endswith("arrow") else exported(path / name)
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data))])

    assert refused(path).startswith(f"path: PATH/{name}: can't be read (")


@pytest.mark.seconds
@pytest.mark.parametrize("name", ["data-00000-of-00001.arrow", "0000.parquet"])
def test_damage_anywhere_is_told_or_changes_what_is_read_but_never_crashes(tmp_path: Path, name: str) -> None:
    path = tmp_path / "birds"
    file = saved(path, ROWS) / name if name.endswith("arrow") else exported(path / name)
    data = file.read_bytes()
    for place in range(0, len(data), 7):
        file.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        with suppress(errors.DatasetError):
            read(path, tmp_path / "cache")
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("state.json", "{", "path: PATH/state.json: can't be read ("),
        ("state.json", "{}", "path: PATH/state.json: can't be read ('_data_files')"),
        ("state.json", '{"_data_files": []}', "path: PATH: names no files; copy the whole folder"),
        (
            "state.json",
            '{"_data_files": [{"filename": "x.arrow"}]}',
            "path: PATH: lacks 'x.arrow'; copy the whole folder",
        ),
        (
            "state.json",
            '{"_data_files": [{"filename": "../x"}]}',
            "path: PATH: names '../x', which is no file or folder in it; save it again",
        ),
        (
            "state.json",
            '{"_data_files": [], "_indices_data_files": [{"filename": "i"}]}',
            "path: PATH/state.json: rows in another order than they are kept; save it again",
        ),
        (
            "dataset_dict.json",
            '{"splits": ["../x"]}',
            "path: PATH: names '../x', which is no file or folder in it; save",
        ),
        ("dataset_dict.json", '{"splits": ["test"]}', "path: PATH/test/state.json: can't be read ("),
        ("dataset_dict.json", "[]", "path: PATH/dataset_dict.json: can't be read ("),
    ],
)
def test_broken_descriptions_are_told(tmp_path: Path, file: str, text: str, message: str) -> None:
    path = saved(tmp_path / "birds", ROWS)
    (path / file).write_text(text)

    assert refused(path).startswith(message)


def test_what_is_no_data_set_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("notes")

    assert refused(tmp_path / "empty") == (
        "path: PATH: neither dataset_dict.json nor state.json nor Parquet files are in it; save a data set there by "
        "save_to_disk"
    )
    assert refused(tmp_path / "nowhere") == (
        "path: PATH: no such folder; give one that save_to_disk wrote, or of Parquet files"
    )
    assert refused(tmp_path / "notes.txt").startswith("path: PATH: can't be read (")


def test_a_folder_that_may_not_be_read_is_told_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(tmp_path / "birds" / "train" / "0.parquet")
    exported(tmp_path / "birds" / "test" / "0.parquet")
    scan, closed = os.scandir, str(tmp_path / "birds" / "test")

    def refuse(path: Any = ".") -> Any:
        if str(path) == closed:
            raise PermissionError(errno.EACCES, "Forbidden", closed)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)

    assert refused(tmp_path / "birds") == "path: PATH/test: can't be read (Forbidden); allow it, or move it away"


def test_several_data_sets_are_not_taken_for_one(tmp_path: Path) -> None:
    for name in ("one/train/0000.parquet", "two/train/0000.parquet"):
        exported(tmp_path / "birds" / name)

    assert refused(tmp_path / "birds") == (
        "path: PATH: split 'train' is in 'PATH/one/train', 'PATH/two/train': are these two data sets? Give the path "
        "of one"
    )


def test_files_that_call_classes_otherwise_are_not_taken_for_one_data_set(tmp_path: Path) -> None:
    names = {**FEATURES, "label": {"_type": "ClassLabel", "names": ["Drossel", "sea eagle"]}}
    exported(tmp_path / "birds/train.parquet")
    exported(tmp_path / "birds/test.parquet", features=names)

    assert refused(tmp_path / "birds") == (
        "path: PATH: train.parquet has other columns than the files before; keep one kind"
    )


def test_without_the_extra_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def lacking(name: str, *arguments: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return imported(name, *arguments)

    path = saved(tmp_path / "birds", ROWS)
    monkeypatch.setattr(builtins, "__import__", lacking)

    assert refused(path) == (
        "source: 'huggingface' needs pyarrow, which this Python lacks; pip install 'tuner-harness[huggingface]'"
    )
