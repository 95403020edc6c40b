from __future__ import annotations

from typing import Any

import pytest

from harness.datasets import told

NOT_BY_SUFFIX = "not an image by its suffix (.heic)"


def facts(**changes: Any) -> dict[str, Any]:
    return {"images": 151, "per_class": [25, 61, 65], "unreadable": [], "duplicates": 0, "contradictions": []} | changes


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "151 images, 3 classes (25 to 65)"),
        ({"images": 20_000, "per_class": [10_000] * 2}, "20,000 images, 2 classes (10,000)"),
        ({"usable": 151}, "151 images, 3 classes (25 to 65)"),
        ({"usable": 9_716}, "151 images, 3 classes (25 to 65) drawn from 9,716"),
        (
            {"unreadable": [["a/ö 1.HEIC", NOT_BY_SUFFIX]]},
            "151 images, 3 classes (25 to 65); left out 1: 1 .heic (a/ö 1.HEIC)",
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
    assert told.line(facts(**changes)) == text


def test_parts_of_groups_are_told_as_all_seeds_have_them() -> None:
    parts = [{"train": 91 + more, "validation": 30 - more, "test": 30} for more in (0, 5, 2)]
    first, *alike = [facts(groups=7, **each) for each in parts]

    assert told.line(first, [*alike, facts(groups=7)]) == (
        "151 images, 3 classes (25 to 65), 7 groups, each whole in one part: train 60 to 64 %, validation 17 to 20 %, "
        "test 20 %"
    )
