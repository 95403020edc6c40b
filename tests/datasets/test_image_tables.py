from __future__ import annotations

import time
import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from harness import errors, matrix_schema
from harness.datasets import image_tables
from harness.datasets.image_folders import Layout
from harness.datasets.part_aliases import Part

FREE, TRAIN, VALIDATION, TEST = Part.FREE, Part.TRAIN, Part.VALIDATION, Part.TEST
PATHS = ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
PLAIN = "path,label\ncat/1.png,cat\ncat/2.png,cat\ndog/1.png,dog\ndog/2.png,dog\n"

Form = Literal["NFC", "NFD"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files, of which nobody looks at what they hold, beside where a table is to be."""
    folder = tmp_path / "my data"
    for name in PATHS:
        touch(folder / name)
    return folder


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.name.encode())
    return path


def listed(folder: Path, text: str | bytes, **columns: str) -> Layout:
    table = folder / "birds.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return image_tables.layout_of(table, matrix_schema.Columns.model_validate(columns) if columns else None)


def refused(folder: Path, text: str | bytes, **columns: str) -> str:
    """What is said of a table: one line, without where it lies."""
    with pytest.raises(errors.DatasetError) as caught:
        listed(folder, text, **columns)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{folder}/", "").replace(str(folder), "FOLDER")


def told(found: Layout) -> list[tuple[str, str]]:
    return [(file.name, file.label) for file in found.files]


def of_rows(*rows: str, head: str = "path,label,part") -> str:
    return "\n".join([head, *rows])


def test_a_table_names_images_and_their_classes(folder: Path) -> None:
    found = listed(folder, PLAIN)

    assert told(found) == [(name, name[:3]) for name in PATHS]
    assert [file.path for file in found.files] == [folder / name for name in PATHS]
    assert {file.part for file in found.files} == {FREE}
    assert (found.classes, found.groups, found.skipped) == (("cat", "dog"), None, ())
    assert found.folder == folder


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace(",", ";").replace("\n", "\r\n"),
        PLAIN.replace(",", "\t").replace("path", "File Name").replace("label", "class"),
        PLAIN.replace("cat/", "./cat//").replace("dog/", "cat/../dog/"),
        PLAIN.replace("/", "\\"),
        PLAIN.replace("path,label", " path , LABEL").replace(",cat\n", ", cat \n"),
        PLAIN + "dog/2.png,dog\n\n,\n",
        "\ufeff" + PLAIN,
        PLAIN.encode("utf-16"),
    ],
    ids=[
        *("semicolons", "tabs and usual names", "crooked paths", "backslashes", "spaces and capitals"),
        *("a row twice and empty ones", "a mark of order", "UTF-16"),
    ],
)
def test_tables_that_say_the_same_are_the_same(folder: Path, text: str | bytes) -> None:
    assert listed(folder, text) == listed(folder, PLAIN)


def test_columns_may_be_named_in_the_matrix(folder: Path) -> None:
    text = PLAIN.replace("path,label", "label,path")
    other = PLAIN.replace("path,label", "Bild,Vogel Art")

    assert told(listed(folder, text, image="label", label="path")) == told(listed(folder, PLAIN))
    assert told(listed(folder, other, image="Bild", label="Vogel Art")) == told(listed(folder, PLAIN))


def test_where_several_columns_have_usual_names_the_plainest_is_taken(folder: Path) -> None:
    text = of_rows("x,cat/1.png,1,cat", "y,dog/1.png,2,dog", head="filename,path,target,label")

    assert told(listed(folder, text)) == [("cat/1.png", "cat"), ("dog/1.png", "dog")]


def test_names_hold_any_letters_spaces_and_quoted_commas(folder: Path) -> None:
    name = 'Füchse, alt/鳥 "1" .png'
    touch(folder / name)
    text = '﻿path,label\n"Füchse, alt/鳥 ""1"" .png","fox, red"\ndog/1.png,犬\n'

    assert told(listed(folder, text)) == [(name, "fox, red"), ("dog/1.png", "犬")]


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_a_letter_is_one_however_table_and_disk_keep_it(folder: Path, on_disk: Form, in_table: Form) -> None:
    touch(folder / unicodedata.normalize(on_disk, "Gämse/ä.png"))
    text = of_rows("Gämse/ä.png,Gämse", "dog/1.png,dog", head="path,label")

    found = listed(folder, unicodedata.normalize(in_table, text))

    assert told(found) == [(unicodedata.normalize("NFC", "Gämse/ä.png"), "Gämse"), ("dog/1.png", "dog")]
    assert all(file.path.is_file() for file in found.files)


def test_images_may_lie_elsewhere_and_are_called_alike_wherever_that_is(folder: Path, tmp_path: Path) -> None:
    below = told(listed(folder, PLAIN))
    absolute = told(listed(folder, PLAIN.replace("cat/", f"{folder}/cat/").replace("dog/", f"{folder}/dog/")))
    (tmp_path / "tables").mkdir()

    outside = listed(tmp_path / "tables", PLAIN.replace("cat/", "../my data/cat/").replace("dog/", f"{folder}/dog/"))

    assert told(outside) == absolute == below
    assert outside.folder == folder
    assert outside.content_hash == listed(folder, PLAIN).content_hash


def test_a_link_stands_for_the_file_that_it_leads_to(folder: Path, tmp_path: Path) -> None:
    """A container sees the folder of the files, and no link that leads out of it."""
    blob = touch(tmp_path / "blobs" / "0f3a")
    (folder / "cat" / "link.png").symlink_to(blob)
    (folder / "linked").symlink_to(tmp_path / "blobs", target_is_directory=True)
    touch(tmp_path / "blobs" / "2.png")

    found = listed(folder, of_rows("cat/link.png,cat", "dog/1.png,dog", head="path,label"))

    assert told(found) == [("cat/link.png", "cat"), ("dog/1.png", "dog")]
    assert [file.path for file in found.files] == [blob, folder / "dog/1.png"]
    assert found.folder == tmp_path
    by_folder = listed(folder, of_rows("linked/2.png,cat", "linked/../my data/dog/1.png,dog", head="path,label"))
    assert [file.path for file in by_folder.files] == [tmp_path / "blobs/2.png", folder / "dog/1.png"]


def test_images_that_share_no_folder_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layout, "folder", Path("/"))

    assert refused(folder, PLAIN) == (
        "path: birds.csv: its images have no folder in common, such as cat/1.png and dog/2.png; put them into one"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "path: birds.csv: holds no rows; give a head and a row for each image"),
        ("path,label\n", "path: birds.csv: holds no rows; give a head and a row for each image"),
        ("path,label\n,\n", "path: birds.csv: holds no rows; give a head and a row for each image"),
        (
            "cat/1.png,cat\ndog/1.png,dog\n",
            (
                "path: birds.csv: no column is called as one of images' paths usually is; say which it is, as columns "
                "= { image = \"…\" }: it has 'cat/1.png', 'cat'"
            ),
        ),
        (
            "path,kind\ncat/1.png,cat\n",
            (
                "path: birds.csv: no column is called as one of labels usually is; say which it is, as columns = "
                "{ label = \"…\" }: it has 'path', 'kind'"
            ),
        ),
        (
            PLAIN.replace("2.png", "9.png") + "mouse/1.png,mouse\nmouse/2.png,mouse\n",
            (
                "path: birds.csv: 4 of 6 images are not there, such as 'cat/9.png', 'dog/9.png', 'mouse/1.png', …; "
                "correct the paths, of which relative ones begin at FOLDER, or take these rows out"
            ),
        ),
        (
            "path,label\ncat/1.png\0,cat\ndog/1.png,dog\n",
            (
                "path: birds.csv: 1 of 2 images are not there, such as 'cat/1.png\\x00'; correct the paths, of which "
                "relative ones begin at FOLDER, or take these rows out"
            ),
        ),
        (
            "path,label\nC:\\photos\\1.png,cat\ndog/1.png,dog\n",
            (
                "path: birds.csv: 1 of 2 images are not there, such as 'C:/photos/1.png'; paths of Windows lead "
                "nowhere here: give paths below the table's folder"
            ),
        ),
        (
            "path,label\ncat,cat\n..,cat\ndog/1.png,dog\n",
            (
                "path: birds.csv: 2 of 3 images are folders, such as 'cat', '..'; correct the paths, of which relative "
                "ones begin at FOLDER, or take these rows out"
            ),
        ),
        (
            PLAIN + "cat/../cat/1.png,dog\ndog/1.png,cat\n",
            (
                "path: birds.csv: 'cat/1.png' stands in several rows (and 1 more such rows), with label 'cat' and "
                "'dog'; keep the right one"
            ),
        ),
        (
            of_rows("cat/1.png,cat,train", "cat/1.png,cat,test", "dog/1.png,dog,train"),
            "path: birds.csv: 'cat/1.png' stands in several rows, with part 'train' and 'test'; keep the right one",
        ),
        (
            PLAIN + "dog/3.png,\n,dog\n",
            (
                "path: birds.csv: column 'path': 1 of 6 rows have no entry, such as row 6; give each one, or take "
                "these rows out"
            ),
        ),
        (
            "path,label\ncat/1.png,\ncat/2.png, \ndog/1.png,dog\n",
            (
                "path: birds.csv: column 'label': 2 of 3 rows have no entry, such as row 1 ('cat/1.png'), row 2 "
                "('cat/2.png'); give each one, or take these rows out"
            ),
        ),
        (
            PLAIN + "dog/3.png,NaN\n",
            (
                "path: birds.csv: column 'label': 1 of 5 rows have no entry, or nan, such as row 5 ('dog/3.png'); give "
                "each one, or take these rows out, or call what is named so otherwise"
            ),
        ),
        ("path,label\ncat/1.png,cat\n", "path: birds.csv: holds one class only, 'cat'; two or more are needed"),
        (
            PLAIN.replace("2.png,cat", "2.png,Cat"),
            (
                "path: birds.csv: labels 'Cat' and 'cat' differ in their spelling alone: are they one class? Spell one "
                "alike, and call two by other names"
            ),
        ),
        (
            "path,label\ncat/1.png,1\ncat/2.png,01\ndog/1.png,2\n",
            (
                "path: birds.csv: labels '01' and '1' differ in their spelling alone: are they one class? Spell one "
                "alike, and call two by other names"
            ),
        ),
        (
            "path,label\ncat/1.png,1\ncat/2.png,1.0\ndog/1.png,2\n",
            (
                "path: birds.csv: labels '1' and '1.0' differ in their spelling alone: are they one class? Spell one "
                "alike, and call two by other names"
            ),
        ),
        (
            "path,label,Label\ncat/1.png,cat,x\n",
            (
                "path: birds.csv: columns 'label', 'Label' may all be meant; rename them, or say which as columns = "
                '{ label = "…" }'
            ),
        ),
        (
            "path,label\ncat/1.png,cat,x\n",
            (
                "path: birds.csv: a row has more entries than the head: 'cat/1.png', 'cat', 'x'; quote what holds a "
                "delimiter"
            ),
        ),
    ],
)
def test_a_table_that_cant_be_used_is_told_with_the_way_out(folder: Path, text: str, message: str) -> None:
    assert refused(folder, text) == message


def test_a_column_that_is_named_and_not_there_is_told(folder: Path) -> None:
    assert refused(folder, PLAIN, label="lable") == (
        "columns.label = 'lable': no column of birds.csv; did you mean 'label'?"
    )
    assert refused(folder, PLAIN, group="site") == (
        "columns.group = 'site': no column of birds.csv; it has 'path', 'label'"
    )
    assert refused(folder, PLAIN.replace("label", "path"), label="path") == (
        "columns.label = 'path': 2 columns of birds.csv are called so; rename one"
    )


@pytest.mark.parametrize("what", ["a folder", "nothing"])
def test_what_is_no_file_is_told(tmp_path: Path, what: str) -> None:
    table = tmp_path if what == "a folder" else tmp_path / "birds.csv"

    with pytest.raises(errors.DatasetError, match=rf"^path: {table}: .*; give a CSV or Parquet file"):
        image_tables.layout_of(table, None)


@pytest.mark.parametrize("content", [b"path,label\n\xff\xfe,A\n", b'path,label\n"a"b,A\n', b"\x89PNG\r\n\x1a\n\0\0"])
def test_what_is_no_table_is_told(folder: Path, content: bytes) -> None:
    assert refused(folder, content).startswith("path: birds.csv: no CSV file in UTF-8 (")


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("1", "2"), ("1", "2")),
        (("1.0", "2.0"), ("1.0", "2.0")),
        (("01", "10"), ("01", "10")),
        (("-1", "1"), ("-1", "1")),
    ],
)
def test_numbers_are_labels_as_they_are_written(
    folder: Path, labels: tuple[str, str], classes: tuple[str, ...]
) -> None:
    assert listed(folder, PLAIN.replace(",cat", f",{labels[0]}").replace(",dog", f",{labels[1]}")).classes == classes


def test_long_numbers_that_differ_in_the_last_digit_are_two_classes(folder: Path) -> None:
    text = PLAIN.replace(",cat", ",10000000000000000000001").replace(",dog", ",10000000000000000000002")

    assert len(listed(folder, text).classes) == 2


def test_what_is_no_image_by_its_suffix_is_left_out_by_name(folder: Path) -> None:
    for name in ("notes.txt", "raw/1.CR2", "raw/2"):
        touch(folder / name)

    found = listed(folder, PLAIN + "notes.txt,cat\nraw/1.CR2,dog\nraw/2,dog\n")

    assert told(found) == told(listed(folder, PLAIN))
    assert found.skipped == ("notes.txt", "raw/1.CR2", "raw/2")
    assert refused(folder, "path,label\nnotes.txt,cat\nraw/2,dog\n").startswith("path: birds.csv: names no image (.bmp")


@pytest.mark.parametrize(
    ("parts", "fixed"),
    [
        (("train", "Validation", "test"), [TRAIN, VALIDATION, TEST]),
        (("Training Set", "dev", "holdout"), [TRAIN, VALIDATION, TEST]),
        (("train", "train", "test"), [FREE, FREE, TEST]),
        (("train", "val", "valid"), [FREE, VALIDATION, VALIDATION]),
        (("train", "train", "train"), [FREE, FREE, FREE]),
        (("", "", ""), [FREE, FREE, FREE]),
    ],
    ids=["all", "synonyms", "no validation", "no test", "train alone", "none"],
)
def test_parts_are_those_that_folders_know(folder: Path, parts: tuple[str, ...], fixed: list[Part]) -> None:
    rows = []
    for number, part in enumerate(parts):
        for label in ("cat", "dog"):
            touch(folder / label / f"part {number}.png")
            rows.append(f"{label}/part {number}.png,{label},{part}")

    found = listed(folder, of_rows(*rows))

    assert [file.part for file in found.files] == [*fixed, *fixed]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            ("train", "fold 3", "test", "extra"),
            (
                "column 'part': no part is called 'fold 3', 'extra'; write train, validation or test, or call the "
                "column something else"
            ),
        ),
        (
            ("val", "val", "test", "test"),
            "column 'part': no row is of train, but of 'val', 'test'; give it some",
        ),
        (
            ("train", "test", "train", ""),
            (
                "column 'part': 1 of 4 rows have no entry, such as row 4 ('dog/2.png'); give each one, or take these "
                "rows out"
            ),
        ),
        (
            ("train", "test", "train", "train"),
            "class 'dog' is not in all of its parts; every part needs every class",
        ),
    ],
    ids=["unknown", "no train", "some rows", "a class missing"],
)
def test_parts_that_make_no_sense_are_told(folder: Path, parts: tuple[str, ...], message: str) -> None:
    rows = [f"{name},{name[:3]},{part}" for name, part in zip(PATHS, parts, strict=True)]

    assert refused(folder, of_rows(*rows)) == f"path: birds.csv: {message}"


def test_a_column_of_parts_that_was_asked_for_may_not_be_empty(folder: Path) -> None:
    text = of_rows(*(f"{name},{name[:3]}," for name in PATHS))

    assert refused(folder, text, part="part").startswith("path: birds.csv: column 'part': 4 of 4 rows have no entry")


def test_a_column_names_groups(folder: Path) -> None:
    rows = ["cat/1.png,cat,A", "cat/2.png,cat,B", "dog/1.png,dog,B", "dog/2.png,dog,A"]

    assert listed(folder, of_rows(*rows, head="path,label,group")).groups == ("A", "B", "B", "A")
    assert listed(folder, of_rows(*rows, head="path,label,site"), group="site").groups == ("A", "B", "B", "A")
    assert listed(folder, of_rows(*rows, head="path,label,site")).groups is None


def test_a_group_that_parts_divide_is_refused(folder: Path) -> None:
    rows = ["cat/1.png,cat,train,A", "cat/2.png,cat,test,B", "dog/1.png,dog,train,C", "dog/2.png,dog,test,C"]

    assert refused(folder, of_rows(*rows, head="path,label,part,site"), group="site") == (
        "column 'site': group 'C' stands in several parts: 'dog/1.png', 'dog/2.png'; move its images into one part, or "
        "leave column 'site' out"
    )


def test_what_a_table_says_of_its_images_is_part_of_what_they_are(folder: Path) -> None:
    texts = [
        PLAIN,
        PLAIN.replace("cat/2.png,cat", "cat/2.png,dog"),
        of_rows(*(f"{name},{name[:3]},{part}" for name, part in zip(PATHS, ("train", "test") * 2, strict=True))),
        of_rows(*(f"{name},{name[:3]},{name[4]}" for name in PATHS), head="path,label,group"),
    ]
    hashes = [listed(folder, text).content_hash for text in texts]
    (folder / "cat/1.png").write_bytes(b"another picture")

    assert len({*hashes, listed(folder, PLAIN).content_hash}) == 5


def test_other_columns_and_the_order_of_rows_change_nothing(folder: Path) -> None:
    head, *rows = PLAIN.splitlines()
    other = "\n".join([f"{head},weather", *(f"{row},sun" for row in reversed(rows))])

    assert listed(folder, other).content_hash == listed(folder, PLAIN).content_hash


@pytest.mark.seconds
def test_a_hundred_thousand_rows_take_seconds(folder: Path) -> None:
    """Of few files: it is the rows that are looked at."""
    text = "path,label,part\n" + "".join(f"cat/../{PATHS[n % 4]},{PATHS[n % 4][:3]},train\n" for n in range(100_000))
    started = time.monotonic()

    assert len(listed(folder, text).files) == 4
    assert time.monotonic() - started < 20
