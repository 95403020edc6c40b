from __future__ import annotations

from pathlib import Path

import pytest

from harness import errors
from harness.datasets.csv_reader import place_of, read_csv


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_as_spreadsheets_write_it(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = 'a, b \r\n"x\u2028y",Füchse \r\n\r\n,\r\n1\r\n'.replace(",", delimiter)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))

    assert read_csv(tmp_path / "t.csv", key="groups") == (["a", "b"], [["x\u2028y", "Füchse"], ["1", ""]])


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_told_and_not_guessed(tmp_path: Path, encoding: str) -> None:
    text = "path,label\nGämse.png,Gämse\n" if encoding == "cp1252" else "path,label\na.png,b\n"
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))

    with pytest.raises(errors.DatasetError, match=r"^path: .*/t\.csv: no CSV file in UTF-8 \(.*\); save it as one$"):
        read_csv(tmp_path / "t.csv", key="path")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'["a.png", "b.png"]', "JSON"),
        (b'\xef\xbb\xbf[\n {"path": "a.png",\n  "label": "a"}\n]\n', "JSON"),
        (b'{"path": "a.png"}\n{"path": "b.png"}\n', "JSON"),
        (b"PK\x03\x04rest", "a spreadsheet or another ZIP file"),
        (b"SQLite format 3\0", "a SQLite database"),
    ],
)
def test_what_is_no_table_is_told_by_what_it_is(tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "t.xlsx").write_bytes(data)

    with pytest.raises(errors.DatasetError) as caught:
        read_csv(tmp_path / "t.xlsx", key="path")

    assert str(caught.value) == (
        f"path: {tmp_path / 't.xlsx'}: {kind}, and no table; save it as CSV, TSV or Parquet, with a head and a row for "
        "each image"
    )


def test_a_text_that_is_called_a_spreadsheet_is_told_to_be_read_as_csv(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_text("no table\n")

    with pytest.raises(
        errors.DatasetError, match=r"text, no \.xlsx file, and as CSV it holds no rows; give a head and"
    ):
        read_csv(tmp_path / "t.xlsx", key="path")


def test_a_head_may_begin_with_a_bracket(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("[path],label\na.png,a\n")

    assert read_csv(tmp_path / "t.csv", key="path") == (["[path]", "label"], [["a.png", "a"]])


def test_of_very_many_columns_the_first_are_named() -> None:
    with pytest.raises(errors.DatasetError) as caught:
        place_of("zzz", [f"c{number}" for number in range(1000)], Path("t.csv"), key="columns.label")

    assert str(caught.value).endswith(
        "it has 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9', 'c10', 'c11', …"
    )


def test_a_column_is_found_by_its_name_in_either_form_of_unicode() -> None:
    assert place_of("Gämse ", ["a", "Gämse"], Path("t.csv"), key="columns.label") == 1
