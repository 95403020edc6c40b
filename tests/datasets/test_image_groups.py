from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import errors
from harness.datasets.image_groups import groups_of, refuse_divided
from harness.datasets.part_aliases import Part

NAMES = ("cat/A_1.jpg", "cat/A_2.jpg", "dog/B_3.jpg")


def by_table(folder: Path, text: str | bytes, *, names: Sequence[str] = NAMES, by: str = "site") -> tuple[str, ...]:
    table = folder / "sites.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return groups_of(names, by=by, table=table)


def refused(folder: Path, text: str | bytes, *, names: Sequence[str] = NAMES, by: str = "site") -> str:
    with pytest.raises(errors.DatasetError) as caught:
        by_table(folder, text, names=names, by=by)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        ("/[A-Z]_", ("/A_", "/A_", "/B_")),
        ("/([A-Z])_", ("A", "A", "B")),
        ("(?P<site>[A-Z])_(.)", ("A", "A", "B")),
        ("/(?:([XA])|B)_", None),
        ("^cat/(.)", None),
        ("x*", None),
    ],
)
def test_a_group_is_the_first_one_of_the_match_or_the_whole_match(pattern: str, groups: tuple[str, ...] | None) -> None:
    if groups is not None:
        assert groups_of(NAMES, by=pattern, table=None) == groups
    else:
        with pytest.raises(
            errors.DatasetError, match=r"of 3 images have no group: it doesn't match their paths, such as '"
        ):
            groups_of(NAMES, by=pattern, table=None)


def test_images_without_a_group_are_counted_and_the_first_named() -> None:
    names = [*NAMES, *(f"dog/{number}.jpg" for number in range(5))]

    with pytest.raises(errors.DatasetError) as caught:
        groups_of(names, by="([A-Z])_", table=None)

    assert str(caught.value) == (
        "group_by = '([A-Z])_': 5 of 8 images have no group: it doesn't match their paths, such as 'dog/0.jpg', "
        "'dog/1.jpg', 'dog/2.jpg', …; every image needs one"
    )


def test_a_pattern_is_compared_in_the_form_that_names_are_kept_in() -> None:
    decomposed = unicodedata.normalize("NFD", "Gämse")

    assert groups_of(["a/Gämse 1.png"], by=decomposed, table=None) == ("Gämse",)


@pytest.mark.parametrize(
    "text",
    [
        "path,site\ncat/A_1.jpg,A\ncat/A_2.jpg,A\ndog/B_3.jpg,B\n",
        "site,n,file\nB,3,B_3.jpg\nA,1,A_1.jpg\nA,2,A_2.jpg",
        "image;site\r\n./cat/A_1.jpg; A\r\n cat\\A_2.jpg;A \r\ndog/B_3.jpg;B\r\nmouse/4.jpg;C\r\n",
        '\ufeffsite\tpath\nA\tcat/A_1.jpg\n\nA\t"cat/A_2.jpg"\nB\tdog/B_3.jpg\n',
        "path,site\ncat/A_1.jpg,A\ncat/A_1.jpg,A\ncat/A_2.jpg,A\ndog/B_3.jpg,B\nother.jpg,A\nother.jpg,B\n",
    ],
    ids=["paths", "file names", "semicolons and backslashes", "tabs and a mark of order", "several rows of an image"],
)
def test_a_table_gives_groups_by_path_or_by_file_name(tmp_path: Path, text: str) -> None:
    assert by_table(tmp_path, text) == ("A", "A", "B")


def test_a_table_may_hold_any_letters_and_lines_within_quotes(tmp_path: Path) -> None:
    text = 'note,path,site\n"one\u2028two\nthree",a/Füchse.png,"Wald, Süd"\n'

    assert by_table(tmp_path, text, names=["a/Füchse.png"]) == ("Wald, Süd",)
    assert by_table(tmp_path, unicodedata.normalize("NFD", text), names=["a/Füchse.png"]) == ("Wald, Süd",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "path,place\ncat/A_1.jpg,A\n",
            "group_by = 'site': no column of sites.csv; it has 'path', 'place'",
        ),
        ("path,sites\ncat/A_1.jpg,A\n", "group_by = 'site': no column of sites.csv; did you mean 'sites'?"),
        ("path,site,site\n1,2,3\n", "group_by = 'site': 2 columns of sites.csv are called so; rename one"),
        (
            "path,site\nbirds/A_1.png,A\n",
            (
                "groups: sites.csv: no column holds the images' paths below the data set's folder, or their file "
                "names, such as 'cat/A_1.jpg'; add one"
            ),
        ),
        (
            "path,site\ncat/A_1.jpg,A\ncat/A_2.jpg,\n",
            (
                "group_by = 'site': 2 of 3 images have no group: sites.csv has no row or no entry for them, such as "
                "'cat/A_2.jpg', 'dog/B_3.jpg'; every image needs one"
            ),
        ),
        (
            "path,site\ncat/A_1.jpg,B\ncat/A_1.jpg,A\n",
            "groups: sites.csv: 'cat/A_1.jpg' has several groups: 'A', 'B'; give it one",
        ),
        (
            "path,site\ncat/A_1.jpg,A,B\n",
            (
                "groups: sites.csv: a row has more entries than the head: 'cat/A_1.jpg', 'A', 'B'; quote what holds a "
                "delimiter"
            ),
        ),
        ("", "groups: sites.csv: holds no rows; give a head and a row for each image"),
        ("path,site\n", "groups: sites.csv: holds no rows; give a head and a row for each image"),
    ],
)
def test_a_table_that_cant_be_used_is_told_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    assert refused(tmp_path, text) == message


def test_a_file_name_that_several_images_have_names_none_of_them(tmp_path: Path) -> None:
    message = refused(tmp_path, "file,site\n1.jpg,A\n", names=("cat/1.jpg", "dog/1.jpg"))

    assert message == (
        "groups: sites.csv: '1.jpg' is the file name of 2 images, such as 'cat/1.jpg'; give paths below the data "
        "set's folder"
    )


@pytest.mark.parametrize("content", [b"path,site\n\xff\xfe,A\n", b'path,site\n"a"b,A\n', b'path,site\n"a,A\n'])
def test_what_is_no_table_is_told(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content).startswith("groups: sites.csv: no CSV file in UTF-8 (")


def test_a_table_that_isnt_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.DatasetError, match=r"groups: .*/sites\.csv: can't be read \(.*\); give a CSV file$"):
        groups_of(NAMES, by="site", table=tmp_path / "sites.csv")
    with pytest.raises(errors.DatasetError, match=r"can't be read"):
        groups_of(NAMES, by="site", table=tmp_path)


def test_a_group_on_two_sides_is_refused_with_an_image_of_each() -> None:
    names = ("train/a/1.png", "train/a/2.png", "test/a/3.png", "test/a/4.png", "test/a/5.png")
    parts = (Part.FREE, Part.FREE, Part.TEST, Part.TEST, Part.TEST)

    refuse_divided(names, parts, ("A", "B", "C", "C", "D"))
    with pytest.raises(errors.DatasetError) as caught:
        refuse_divided(names, parts, ("A", "B", "A", "C", "B"))

    assert str(caught.value) == (
        "group_by: group 'A' stands in several parts (and 1 more): 'train/a/1.png', 'test/a/3.png'; move its images "
        "into one part, or leave group_by out"
    )
