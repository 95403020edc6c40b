from __future__ import annotations

import builtins
import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from harness import errors
from harness.datasets import image_tables, table_files

FORMS = {
    "text": (["x", " y ", None], ["x", "y", ""]),
    "whole numbers": ([1, 2, None], ["1", "2", ""]),
    "numbers": ([1.0, 2.5, float("nan")], ["1.0", "2.5", ""]),
    "truth values": ([True, False, None], ["true", "false", ""]),
    "categories": (pl.Series(["a", "b", None], dtype=pl.Categorical), ["a", "b", ""]),
    "an enumeration": (pl.Series(["a", "b", "a"], dtype=pl.Enum(["b", "a"])), ["a", "b", "a"]),
    "nothing": ([None, None, None], ["", "", ""]),
}


def saved(folder: Path, **columns: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(folder / "table")
    return folder / "table"


def refused(path: Path) -> str:
    with pytest.raises(errors.DatasetError) as caught:
        table_files.read(path).column(0)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "TABLE")


@pytest.mark.parametrize(("values", "texts"), FORMS.values(), ids=FORMS)
def test_what_parquet_holds_is_text_as_in_a_csv_file(tmp_path: Path, values: Any, texts: list[str]) -> None:
    table = table_files.read(saved(tmp_path, other=[1, 2, 3], column=values))

    assert list(table.head) == ["other", "column"]
    assert table.column(1) == texts


@pytest.mark.parametrize("name", ["^.*$", "*", " my column ", "Ä"])
@pytest.mark.parametrize("folder", ["a", "year=2024", "[1] *"])
def test_neither_names_nor_places_of_parquet_mean_anything_else(tmp_path: Path, name: str, folder: str) -> None:
    path = saved(tmp_path / folder, **{name: ["x"], "second": ["y"]})

    table = table_files.read(path)

    assert list(table.head) == [name.strip(), "second"]
    assert (table.column(0), table.column(1)) == (["x"], ["y"])


@pytest.mark.parametrize(
    "values", [[["a"], ["b"]], [{"x": 1}, {"x": 2}], [b"a", b"b"], [dt.date(2026, 1, 1)] * 2], ids=type
)
def test_what_is_neither_text_nor_number_is_told(tmp_path: Path, values: list[Any]) -> None:
    message = refused(saved(tmp_path, column=values))

    assert message.startswith("path: TABLE: column 'column' holds ")
    assert message.endswith("; give text or whole numbers")


def test_parquet_without_rows_is_told(tmp_path: Path) -> None:
    assert refused(saved(tmp_path, path=[], label=[])) == "path: TABLE: holds no rows; give a row for each image"


@pytest.mark.parametrize("kept", [4, 20, 0.5, 0.99])
def test_broken_parquet_is_told(tmp_path: Path, kept: float) -> None:
    path = saved(tmp_path, column=["some", "text"] * 100)
    data = path.read_bytes()
    path.write_bytes(data[: kept if isinstance(kept, int) else int(kept * len(data))])

    assert refused(path).startswith("path: TABLE: no Parquet file that can be read (")


def test_damaged_parquet_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, column=[f"text {number}" for number in range(1000)])
    data = bytearray(path.read_bytes())
    data[4:200] = bytes(196)
    path.write_bytes(data)

    assert refused(path).startswith("path: TABLE: no Parquet file that can be read (")


def test_parquet_without_what_reads_it_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, column=["x"])
    imported = builtins.__import__

    def lacking(name: str, *arguments: Any) -> Any:
        if name == "polars":
            raise ImportError(name)
        return imported(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", lacking)

    assert refused(path) == (
        "path: TABLE: Parquet needs polars, which this Python lacks; pip install 'tuner-harness[report]', or save the "
        "table as CSV"
    )


def test_parquet_and_csv_that_say_the_same_are_the_same(tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        (tmp_path / name).touch()
    (tmp_path / "t.csv").write_text("path,label,part,group\n1.png,3,train,A\n2.png,4,train,B\n")
    frame = pl.DataFrame({"group": ["A", "B"], "label": [3, 4], "path": ["1.png", "2.png"], "part": ["train"] * 2})
    frame.write_parquet(tmp_path / "t.parquet")

    assert image_tables.layout_of(tmp_path / "t.parquet", None) == image_tables.layout_of(tmp_path / "t.csv", None)


@pytest.mark.seconds
def test_a_hundred_thousand_rows_of_parquet_name_their_files(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.png").touch()
    names = [f"{number % 1000}.png" for number in range(100_000)]
    path = saved(tmp_path, path=names, label=[number % 1000 % 7 for number in range(100_000)])

    assert len(image_tables.layout_of(path, None).files) == 1000
