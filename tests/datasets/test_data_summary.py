from __future__ import annotations

from typing import Any

import pytest

from harness.datasets import data_summary, image_folders
from harness.record_schema import DataTable

NOT_BY_SUFFIX = "not an image by its suffix (.cr2)"


def facts(**changes: Any) -> DataTable:
    told = {"images": 151, "per_class": [25, 61, 65], "unreadable": [], "duplicates": 0, "contradictions": []}
    return DataTable.model_validate(told | changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "151 images, 3 classes (25 to 65)"),
        ({"images": 20_000, "per_class": [10_000] * 2}, "20,000 images, 2 classes (10,000)"),
        ({"usable": 151}, "151 images, 3 classes (25 to 65)"),
        ({"usable": 9_716}, "151 images, 3 classes (25 to 65) drawn from 9,716"),
        (
            {"unreadable": [["a/ö 1.CR2", NOT_BY_SUFFIX]]},
            "151 images, 3 classes (25 to 65); left out 1: 1 .cr2 (a/ö 1.CR2)",
        ),
        (
            {"unreadable": [["a/1.HEIC", image_folders.WITHOUT_HEIC], ["a/2.heic", image_folders.WITHOUT_HEIC]]},
            "151 images, 3 classes (25 to 65); left out 2: 2 .heic without the extra heic (a/1.HEIC, a/2.heic)",
        ),
        (
            {
                "unreadable": [
                    ["README", "not an image by its suffix (none)"],
                    ["1.png", "stands in no class folder"],
                    *([f"b/{number}.jpg", "cannot identify image file"] for number in range(4)),
                ]
            },
            (
                "151 images, 3 classes (25 to 65); left out 6: 4 unreadable (b/0.jpg, b/1.jpg, b/2.jpg, …), "
                "1 without a suffix (README), 1 in no class folder (1.png)"
            ),
        ),
        (
            {"duplicates": 2, "first_duplicates": ["a/2.png", "a/3.png"], "contradictions": [["a/9.png", "b/9.png"]]},
            (
                "151 images, 3 classes (25 to 65); left out 4: 2 duplicates (a/2.png, a/3.png), "
                "2 equal, of different classes (a/9.png, b/9.png)"
            ),
        ),
        (
            {"groups": 12, "seed": 7, "train": 91, "validation": 30, "test": 30},
            (
                "151 images, 3 classes (25 to 65), 12 groups, each whole in one part (seed 7): train 60 %, "
                "validation 20 %, test 20 %"
            ),
        ),
        ({"groups": 2}, "151 images, 3 classes (25 to 65), 2 groups"),
        ({"groups": None, "train": 91}, "151 images, 3 classes (25 to 65)"),
        ({"duplicates": 284}, "151 images, 3 classes (25 to 65); left out 284: 284 duplicates"),
    ],
)
def test_a_line_tells_how_many_images_there_are_and_which_were_left_out(changes: dict[str, Any], text: str) -> None:
    assert data_summary.line(facts(**changes)) == text


def test_parts_of_groups_are_told_as_all_seeds_have_them() -> None:
    parts = [{"train": 91 + more, "validation": 30 - more, "test": 30} for more in (0, 5, 2)]
    first, *alike = [facts(groups=7, **each) for each in parts]

    assert data_summary.line(first, [*alike, facts(groups=7)]) == (
        "151 images, 3 classes (25 to 65), 7 groups, each whole in one part: train 60 to 64 %, validation 17 to 20 %, "
        "test 20 %"
    )


ALIKE = {"seed": 7, "groups": None, "validation": 30, "test": 31}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"look_alikes": 0, "first_look_alikes": []}, ""),
        (
            {"look_alikes": 1, "first_look_alikes": [["a/ö.png", "a/1.png"]]},
            (
                "; 1 of 61 validation and test images (seed 7) look like one of another part (a/ö.png like a/1.png): "
                "group_by keeps such together"
            ),
        ),
        (
            {"look_alikes": 9, "first_look_alikes": [["x[1]", "x[2]"]] * 5, "duplicates": 2},
            (
                "; left out 2: 2 duplicates; 9 of 61 validation and test images (seed 7) look like one of another part "
                "(x[1] like x[2], x[1] like x[2], x[1] like x[2], …)"
            ),
        ),
    ],
)
def test_what_looks_like_an_image_of_another_part_is_told(changes: dict[str, Any], text: str) -> None:
    assert data_summary.line(facts(**ALIKE, **changes)) == f"151 images, 3 classes (25 to 65){text}"


def test_look_alikes_are_told_as_all_seeds_have_them_and_older_records_tell_none() -> None:
    first, *alike = [
        facts(**ALIKE, look_alikes=count, first_look_alikes=[["a/1.png", "b/1.png"]] * count) for count in (0, 1, 2)
    ]

    assert data_summary.line(first, [*alike, facts()]) == (
        "151 images, 3 classes (25 to 65); 0 to 2 of 61 validation and test images look like one of another part "
        "(a/1.png like b/1.png, …): group_by keeps such together"
    )


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["2023", "2024"], "; classes: 2023, 2024"),
        ([*"abcdefgh"], "; classes: a, b, c, d, e, f, g, h"),
        ([*"abcdefghij"], "; classes: a, b, c, d, e, f, g, h and 2 more"),
        (["a" * 40, "b" * 41], f"; classes: {'a' * 40}, {'b' * 39}…"),
        ([], ""),
    ],
)
def test_the_first_classes_are_named_so_that_folders_read_wrongly_are_seen(names: list[str], text: str) -> None:
    assert data_summary.classes(DataTable(classes=names, per_class=[1] * len(names))) == text
