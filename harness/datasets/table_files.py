"""A file that holds a table, CSV or Parquet, as columns of texts; polars is imported where one is Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness import errors
from harness.datasets.csv_reader import read_csv, tidy

if TYPE_CHECKING:
    import polars as pl

_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a file holds: the names of its columns, and by their place their entries, "" where one is missing."""

    path: Path
    head: Sequence[str]
    column: Callable[[int], list[str]]

    def refuse(self, text: str) -> errors.DatasetError:
        """Return the error that says what is wrong with the file."""
        return errors.DatasetError(f"path: {self.path}: {text}")


def read(path: Path) -> Table:
    """Return what a file holds; of Parquet a column is read when asked for.

    Raises:
        DatasetError: It can't be read, or holds no rows.
    """
    if path.is_dir():
        raise errors.DatasetError(f'path: {path}: a folder; give a CSV or Parquet file, or write source = "folder"')
    try:
        with path.open("rb") as stream:
            is_parquet = stream.read(len(_PARQUET)) == _PARQUET
    except OSError as error:
        why = error.strerror
        raise errors.DatasetError(f"path: {path}: can't be read ({why}); give a CSV or Parquet file") from error
    if is_parquet:
        return _parquet(path)
    head, rows = read_csv(path, key="path")
    return Table(path=path, head=head, column=lambda place: [row[place] for row in rows])


def _parquet(path: Path) -> Table:
    try:
        import polars as pl  # noqa: PLC0415 - an extra, and only some tables are Parquet
    except ImportError as error:
        raise errors.DatasetError(
            f"path: {path}: Parquet needs polars, which this Python lacks; pip install 'tuner-harness[report]', or "
            f"save the table as CSV"
        ) from error
    try:
        # No pattern, whatever the path holds, and no columns from the names of folders.
        lazy = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        head, count = list(lazy.collect_schema()), lazy.select(pl.len()).collect().item()
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unread(path, error) from error
    if not count:
        raise errors.DatasetError(f"path: {path}: holds no rows; give a row for each image")
    return Table(path=path, head=[tidy(name) for name in head], column=partial(_texts, lazy, path))


def _unread(path: Path, error: BaseException) -> errors.DatasetError:
    return errors.DatasetError(f"path: {path}: no Parquet file that can be read ({errors.reason(error)}); save it anew")


def _texts(lazy: pl.LazyFrame, path: Path, place: int) -> list[str]:
    """Return a column's entries as a CSV file would have them."""
    import polars as pl  # noqa: PLC0415 - see above

    try:
        column = lazy.select(pl.nth(place)).collect().to_series()
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unread(path, error) from error
    kind = column.dtype
    if not (kind.is_numeric() or kind in (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)):
        raise errors.DatasetError(f"path: {path}: column {column.name!r} holds {kind}; give text or whole numbers")
    if kind.is_float():
        column = column.fill_nan(None)
    return [tidy(entry) for entry in column.cast(pl.String).fill_null("").to_list()]
