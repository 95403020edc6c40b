from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import errors, matrix_schema
from harness.datasets import cached_image_lists, decoding, extracted_images, tfds
from harness.datasets.image_folders import Layout
from harness.datasets.part_aliases import Part

if TYPE_CHECKING:
    from tests.datasets.conftest import Examples

KINDS = "tensorflow_datasets.core.features."
IMAGE, LABEL, TEXT = (
    {"pythonClassName": KINDS + kind}
    for kind in ("image_feature.Image", "class_label_feature.ClassLabel", "text_feature.Text")
)
FEATURES = {"image": IMAGE, "label": LABEL}
ROWS: tuple[tuple[bytes, int], ...] = ((b"one", 0), (b"two", 1), (b"three", 1))

Prepare = Callable[..., Path]


@pytest.fixture
def prepare(tensorflow: type[Examples], tmp_path: Path) -> Prepare:
    """Write a data set as the library does; each split is a list of files of rows."""

    def prepared(
        *,
        features: dict[str, Any] | None = None,
        names: dict[str, Sequence[str]] | None = None,
        info: dict[str, Any] | None = None,
        columns: Sequence[str] = ("image", "label"),
        **splits: Sequence[Sequence[Sequence[bytes | int]]],
    ) -> Path:
        folder = tmp_path / "birds" / "3.0.1"
        folder.mkdir(parents=True)
        told = []
        for split, shards in splits.items():
            for number, rows in enumerate(shards):
                examples = [
                    tensorflow.example(
                        **{name: tensorflow.feature(value) for name, value in zip(columns, row, strict=True)}
                    )
                    for row in rows
                ]
                tensorflow.write(folder / f"birds-{split}.tfrecord-{number:05}-of-{len(shards):05}", *examples)
            told.append({"name": split, "shardLengths": [str(len(rows)) for rows in shards]})
        plain = {"name": "birds", "version": "3.0.1", "splits": told, "fileFormat": "tfrecord", **(info or {})}
        (folder / "dataset_info.json").write_text(json.dumps(plain), "utf-8")
        said = {"pythonClassName": KINDS + "FeaturesDict", "featuresDict": {"features": features or FEATURES}}
        (folder / "features.json").write_text(json.dumps(said), "utf-8")
        for feature, classes in ({"label": ("sea eagle", "Drossel")} if names is None else names).items():
            (folder / f"{feature}.labels.txt").write_text("\n".join(classes) + "\n", "utf-8")
        return folder

    return prepared


def read(folder: Path, **columns: str) -> Layout:
    held = tfds.opened(folder, matrix_schema.Columns.model_validate(columns) if columns else None)
    return cached_image_lists.read(extracted_images.unpacked(held, cache=folder.parents[1] / "cache"))


def refused(folder: Path, **columns: str) -> str:
    with pytest.raises(errors.DatasetError) as caught:
        read(folder, **columns)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "FOLDER")


def told(found: Layout) -> list[tuple[str, bytes, str]]:
    return [(file.name, file.path.read_bytes(), file.label) for file in found.files]


def test_a_prepared_data_set_is_read(prepare: Prepare) -> None:
    found = read(prepare(train=[ROWS[:2], ROWS[2:]]))

    assert told(found) == [
        ("train[0]", b"one", "sea eagle"),
        ("train[1]", b"two", "Drossel"),
        ("train[2]", b"three", "Drossel"),
    ]
    assert {file.part for file in found.files} == {Part.FREE}


def test_what_the_library_itself_wrote_is_read(tmp_path: Path) -> None:
    """Kept as tensorflow_datasets 4.9.10 wrote it: six pictures of one shade each, in an order of the library's."""
    golden = Path(__file__).parents[1] / "golden/tfds/birds/3.0.1"
    held = tfds.opened(golden, matrix_schema.Columns(group="site"))
    found = cached_image_lists.read(extracted_images.unpacked(held, cache=tmp_path / "cache"))

    shades = [int(decoding.decode(file.path)[0, 0, 0]) // 20 for file in found.files]
    assert sorted(shades[:4]) == [0, 1, 2, 3]
    assert sorted(shades[4:]) == [4, 5]
    assert [file.label for file in found.files] == [("sea eagle", "Drossel")[shade % 2] for shade in shades]
    assert [file.part for file in found.files] == [Part.FREE] * 4 + [Part.TEST] * 2
    assert found.groups == tuple("4 0" if shade > 3 else f"0 {shade // 2}" for shade in shades)


def test_splits_are_parts(prepare: Prepare) -> None:
    found = read(prepare(test=[ROWS], train=[ROWS, ROWS]))

    assert [file.part for file in found.files] == [Part.FREE] * 6 + [Part.TEST] * 3


def test_classes_without_names_are_numbers(prepare: Prepare) -> None:
    assert read(prepare(train=[ROWS], names={})).classes == ("0", "1")


def test_other_features_may_be_named(prepare: Prepare) -> None:
    rows = [(b"one", b"mask", 0, b"cat", b"A"), (b"two", b"mask", 0, b"dog", b"B")]
    features = {"image": IMAGE, "mask": IMAGE, "label": LABEL, "species": TEXT, "site": TEXT}
    folder = prepare(train=[rows], features=features, columns=tuple(features))

    found = read(folder, image="image", label="species", group="site")

    assert told(found) == [("train[0]", b"one", "cat"), ("train[1]", b"two", "dog")]
    assert found.groups == ("A", "B")
    assert refused(folder) == (
        "path: FOLDER: which feature is the image? Say it as columns = { image = \"…\" }: 'image', 'mask' may all be it"
    )
    assert refused(folder, image="site") == "columns.image = 'site': is of kind Text; give another feature"
    assert refused(folder, image="x") == (
        "columns.image = 'x': no column of FOLDER; it has 'image', 'mask', 'label', 'species', 'site'"
    )


def test_a_file_may_be_called_as_the_data_set_says(prepare: Prepare) -> None:
    folder = prepare(train=[ROWS])
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"][0]["filepathTemplate"] = "{SPLIT}/{DATASET}"
    (folder / "dataset_info.json").write_text(json.dumps(info))
    assert refused(folder) == (
        "path: FOLDER: lacks 'train/birds', which dataset_info.json names; copy the whole folder"
    )

    info["splits"][0]["filepathTemplate"] = "{SPLIT}_{SHARD_INDEX}_{NUM_SHARDS}.{FILEFORMAT}"
    (folder / "dataset_info.json").write_text(json.dumps(info))
    (folder / "birds-train.tfrecord-00000-of-00001").rename(folder / "train_00000_00001.tfrecord")

    assert len(read(folder).files) == 3


def test_the_folder_of_a_version_is_asked_for(prepare: Prepare) -> None:
    folder = prepare(train=[ROWS])

    with pytest.raises(errors.DatasetError) as caught:
        tfds.opened(folder.parent, None)

    assert str(caught.value) == f"path: {folder.parent}: has no dataset_info.json; did you mean '{folder}'?"
    with pytest.raises(errors.DatasetError, match=r"has no dataset_info\.json; give the folder of one version"):
        tfds.opened(folder.parents[1] / "nowhere", None)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (
            {"fileFormat": "array_record"},
            'path: FOLDER: is kept as array_record; prepare it again with file_format="tfrecord", which can be read',
        ),
        ({"splits": []}, "path: FOLDER: dataset_info.json names no pictures; prepare the data set again"),
    ],
)
def test_what_cant_be_read_is_told(prepare: Prepare, info: dict[str, Any], message: str) -> None:
    assert refused(prepare(train=[ROWS], info=info)) == message


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [(b"one", 0), (b"two", -1)],
            (
                "picture 1 has no entry in 'label'; give the path of a split in which every picture has one, or leave "
                "this split out"
            ),
        ),
        ([(b"one", 0), (b"two", 2)], "picture 1 is of class 2, of 2 that have names"),
        ([(7, 0)], "picture 0: 'image' is no picture"),
    ],
)
def test_a_picture_that_makes_no_sense_is_named(
    prepare: Prepare, rows: Sequence[Sequence[bytes | int]], message: str
) -> None:
    assert refused(prepare(train=[rows])) == f"path: FOLDER: train: birds-train.tfrecord-00000-of-00001: {message}"


def test_a_picture_with_several_labels_is_named(prepare: Prepare, tensorflow: type[Examples]) -> None:
    folder = prepare(train=[ROWS[:1]])
    example = tensorflow.example(image=tensorflow.feature(b"one"), label=tensorflow.feature(0, 1))
    tensorflow.write(folder / "birds-train.tfrecord-00000-of-00001", example)

    assert refused(folder).endswith(": picture 0 has 2 entries in 'label'; one is needed")


def test_files_that_are_damaged_or_hold_another_number_are_told(prepare: Prepare) -> None:
    folder = prepare(train=[ROWS])
    file = folder / "birds-train.tfrecord-00000-of-00001"
    data = file.read_bytes()

    file.write_bytes(data[:-5])
    assert refused(folder) == (
        "path: FOLDER/birds-train.tfrecord-00000-of-00001: can't be read (cut off); prepare the data set again"
    )
    file.write_bytes(data * 2)
    assert refused(folder) == (
        "path: FOLDER/birds-train.tfrecord-00000-of-00001: holds 6 pictures, and dataset_info.json says 3; prepare the "
        "data set again"
    )
    file.unlink()
    assert "lacks 'birds-train.tfrecord-00000-of-00001'" in refused(folder)


@pytest.mark.parametrize(
    ("name", "text"), [("dataset_info.json", "{"), ("features.json", "[1]"), ("features.json", "")]
)
def test_broken_descriptions_are_told(prepare: Prepare, name: str, text: str) -> None:
    folder = prepare(train=[ROWS])
    (folder / name).write_text(text)

    assert refused(folder).startswith(f"path: FOLDER/{name}: can't be read (")


@pytest.mark.parametrize(
    "held",
    [{"type": "FeaturesDict", "content": {}}, {"featuresDict": []}, {"featuresDict": {"features": {"image": 1}}}],
)
def test_descriptions_of_another_form_are_told(prepare: Prepare, held: dict[str, Any]) -> None:
    folder = prepare(train=[ROWS])
    (folder / "features.json").write_text(json.dumps(held))

    assert refused(folder) == (
        "path: FOLDER/features.json: says nothing of features by name; prepare the data set with a newer "
        "tensorflow_datasets"
    )


@pytest.mark.parametrize("splits", [5, [5], [{}], [{"name": "train", "shardLengths": ["x"]}]], ids=str)
def test_splits_of_another_form_are_told(prepare: Prepare, splits: Any) -> None:
    message = refused(prepare(train=[ROWS], info={"splits": splits}))

    assert message.startswith("path: FOLDER/dataset_info.json: can't be read (")


def test_damage_anywhere_is_told_or_changes_what_is_read_but_never_crashes(prepare: Prepare) -> None:
    folder = prepare(train=[ROWS])
    file = folder / "birds-train.tfrecord-00000-of-00001"
    data = file.read_bytes()
    for place in range(len(data)):
        file.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        with suppress(errors.DatasetError):
            read(folder)
