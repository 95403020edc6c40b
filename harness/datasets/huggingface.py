"""Data sets as Hugging Face's ``datasets`` keeps them on a disk: saved by ``save_to_disk``, or exported as Parquet.

What they hold is read by pyarrow alone, a batch of rows at a time: of the library itself, and of a data set's own code,
nothing is run. Features (which column holds pictures, how classes are called) stand in the metadata of every file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from harness import errors, matrix_schema
from harness.datasets.csv_reader import MOST_COLUMNS, listed, place_of
from harness.datasets.extracted_images import Picture, text_of
from harness.datasets.image_tables import USUAL

_DICT, _STATE = "dataset_dict.json", "state.json"
# "train-00000-of-00002.parquet", with a fingerprint behind it in earlier exports.
_SHARD = re.compile(r"-[0-9]{5}-of-[0-9]{5}(-[0-9a-f]+)?$")
# Few, as a picture may have megabytes.
_ROWS = 32
_REMEDY = "pip install 'tuner-harness[huggingface]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A data set on the disk.

    Attributes:
        path: Its folder, or its one file.
        splits: The files of each split.
        image: The column of pictures.
        label: The column of labels.
        group: The column of groups, if any is asked for.
        names: What the labels 0, 1, … of a column are called, for the columns that say.
    """

    path: Path
    splits: Mapping[str, Sequence[Path]]
    image: str
    label: str
    group: str | None
    names: Mapping[str, Sequence[str]]

    @property
    def told(self) -> Sequence[object]:
        """Which columns are used, and how classes are called."""
        return [self.image, self.label, self.group, {column: list(self.names[column]) for column in self.names}]

    def pictures(self, file: Path, split: str) -> Iterator[Picture]:
        """Yield the pictures of a file."""
        columns = [self.image, self.label, *([] if self.group is None else [self.group])]
        for number, row in enumerate(_rows(file, columns)):
            yield self._picture(row, f"path: {self.path}: {split}: {file.name}: picture {number}")

    def _picture(self, row: Sequence[Any], place: str) -> Picture:
        image, label, *group = row
        held: Mapping[str, Any] = {"bytes": image} if isinstance(image, bytes) else image or {}
        data, name = held.get("bytes"), held.get("path")
        if data is None and name:
            raise errors.DatasetError(
                f"{place} is the path {name!r} and no picture; save the data set by save_to_disk, which puts them in"
            )
        return Picture(
            data=data or b"",
            label=self._text(self.label, label, place),
            group=self._text(str(self.group), group[0], place) if group else None,
            file_name=name,
        )

    def _text(self, column: str, value: Any, place: str) -> str:
        return text_of(value, self.names.get(column), column=column, place=place)


def opened(path: Path, columns: matrix_schema.Columns | None) -> Saved:
    """Return the data set in ``path``; pictures are not read yet.

    Args:
        path: A folder that ``save_to_disk`` wrote, of a data set or of several splits; a folder of Parquet files, each
            named after its split or in a folder that is; or one Parquet file.
        columns: Which columns to take, where their kinds and usual names leave it open.

    Raises:
        DatasetError: It is none of these, lacks a column, or pyarrow is missing.
    """
    _check_library()
    splits = _splits(path)
    named = columns or matrix_schema.Columns()
    schemas = {file: _schema(file) for shards in splits.values() for file in shards}
    first = next(iter(schemas.values()))
    image = _image(path, first, named.image)
    label = _label(path, first, named.label)
    group = None if named.group is None else _text_column(path, first, named.group, key="columns.group")
    used = [image, label, *([] if group is None else [group])]
    for file, schema in schemas.items():
        if [schema.get(column) for column in used] != [first[column] for column in used]:
            raise errors.DatasetError(
                f"path: {path}: {file.name} has other columns than the files before; keep one kind"
            )
    return Saved(
        path=path,
        splits=splits,
        image=image,
        label=label,
        group=group,
        names={column: names for column in used[1:] if (names := first[column].names) is not None},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column holds: ``pictures``, ``text`` (whole numbers too) or its type; and the names of its classes."""

    kind: str
    names: tuple[str, ...] | None = None


def _check_library() -> None:
    try:
        import pyarrow  # noqa: F401, ICN001, PLC0415 - an extra
    except ImportError as error:
        raise errors.DatasetError(f"source: 'huggingface' needs pyarrow, which this Python lacks; {_REMEDY}") from error


def _splits(path: Path) -> dict[str, tuple[Path, ...]]:
    if path.is_file():
        return {"data": (path,)}
    if not path.is_dir():
        raise errors.DatasetError(
            f"path: {path}: no such folder; give one that save_to_disk wrote, or of Parquet files"
        )
    if (path / _DICT).is_file():
        names = _json(path / _DICT, "splits")
        return {str(name): _shards(path / _inside(path, str(name)))[1] for name in names}
    if (path / _STATE).is_file():
        name, shards = _shards(path)
        return {name: shards}
    return _exported(path)


def _shards(folder: Path) -> tuple[str, tuple[Path, ...]]:
    """Return the name of a saved split, and its files."""
    state = folder / _STATE
    if _json(state).get("_indices_data_files"):
        raise errors.DatasetError(f"path: {state}: rows in another order than they are kept; save it again")
    names = [_inside(folder, str(entry["filename"])) for entry in _json(state, "_data_files")]
    shards = tuple(folder / name for name in names)
    missing = [file.name for file in shards if not file.is_file()]
    if missing or not shards:
        lacks = f"lacks {listed(missing)}" if missing else "names no files"
        raise errors.DatasetError(f"path: {folder}: {lacks}; copy the whole folder")
    return str(_json(state).get("_split") or "data"), shards


def _json(path: Path, key: str | None = None) -> Any:
    try:
        held = json.loads(path.read_bytes())
        return dict(held) if key is None else list(held[key])
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = errors.reason(error)
        raise errors.DatasetError(f"path: {path}: can't be read ({why}); save the data set again") from error


def _inside(folder: Path, name: str) -> str:
    if Path(name).name != name or name in ("", "..", "."):
        raise errors.DatasetError(f"path: {folder}: names {name!r}, which is no file or folder in it; save it again")
    return name


def _exported(path: Path) -> dict[str, tuple[Path, ...]]:
    """Return the Parquet files of each split, which is the name of a file or of the folder that it is in."""
    found = sorted(_parquet_files(path))
    if not found:
        raise errors.DatasetError(
            f"path: {path}: neither {_DICT} nor {_STATE} nor Parquet files are in it; save a data set there by "
            f"save_to_disk"
        )
    splits: dict[str, list[Path]] = {}
    for file in found:
        splits.setdefault(_split_of(file, path), []).append(file)
    for name, files in splits.items():
        folders = sorted({str(file.parent) for file in files})
        if len(folders) > 1:
            raise errors.DatasetError(
                f"path: {path}: split {name!r} is in {listed(folders)}: are these two data sets? Give the path of one"
            )
    return {name: tuple(files) for name, files in splits.items()}


def _parquet_files(path: Path) -> Iterator[Path]:
    """Yield the files that aren't hidden; refuse a folder that may not be read, as its pictures would be missing."""
    for parent, inner, names in os.walk(path, onerror=_refuse):
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield from (Path(parent, name) for name in names if name.endswith(".parquet") and not name.startswith("."))


def _refuse(error: OSError) -> NoReturn:
    raise errors.DatasetError(
        f"path: {error.filename}: can't be read ({error.strerror}); allow it, or move it away"
    ) from error


def _split_of(file: Path, root: Path) -> str:
    name = _SHARD.sub("", file.stem)
    if re.search(r"[^\W\d_]", name):
        return name
    return file.parent.name if file.parent != root else "data"


def _rows(file: Path, columns: Sequence[str]) -> Iterator[list[Any]]:
    with _translated(file):
        for batch in _batches(file, columns):
            # What a file says of itself is not believed: a wrong length would be read from anywhere.
            batch.validate(full=True)
            for row in zip(*(batch.column(column) for column in columns), strict=True):
                yield [value.as_py() for value in row]


def _batches(file: Path, columns: Sequence[str]) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415 - an extra

    if _is_parquet(file):
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

        yield from pq.ParquetFile(file, pre_buffer=False).iter_batches(batch_size=_ROWS, columns=list(columns))
        return
    # Not as a memory map: of a file that is cut meanwhile, that ends the process.
    with pa.OSFile(str(file)) as stream, pa.ipc.open_stream(stream) as reader:
        for batch in reader:
            yield batch.select(list(columns))


def _is_parquet(file: Path) -> bool:
    return file.suffix.casefold() == ".parquet"


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except errors.HarnessError:
        raise
    except Exception as error:  # bytes that nobody foresaw: whatever their reader raises is the file's
        why = errors.reason(error)
        raise errors.DatasetError(f"path: {file}: can't be read ({why}); save or fetch it again") from error


def _schema(file: Path) -> dict[str, Column]:
    """Return what the columns of a file hold."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    with _translated(file):
        if _is_parquet(file):
            import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

            schema = pq.read_schema(file)
        else:
            with pa.OSFile(str(file)) as stream, pa.ipc.open_stream(stream) as reader:
                schema = reader.schema
        features = _features(schema.metadata or {})
        return {field.name: _column(field.type, features.get(field.name)) for field in schema}


def _features(metadata: Mapping[bytes, bytes]) -> Mapping[str, Any]:
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    return features if isinstance(features, dict) else {}


def _column(kind: Any, feature: Any) -> Column:
    import pyarrow.types as are  # noqa: PLC0415 - an extra

    if are.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return Column(kind="pictures" if _said(feature) in ("Image", "") else _said(feature))
    if are.is_binary(kind) or are.is_large_binary(kind):
        return Column(kind="pictures")
    plain = kind.value_type if are.is_dictionary(kind) else kind
    if are.is_integer(plain) or are.is_string(plain) or are.is_large_string(plain) or are.is_boolean(plain):
        names = feature.get("names") if _said(feature) == "ClassLabel" else None
        return Column(kind="text", names=None if names is None else tuple(map(str, names)))
    return Column(kind=str(kind))


def _said(feature: Any) -> str:
    return str(feature.get("_type", "")) if isinstance(feature, dict) else ""


def _image(path: Path, schema: Mapping[str, Column], named: str | None) -> str:
    if named is not None:
        column = _named(path, schema, named, key="columns.image")
        if schema[column].kind != "pictures":
            raise errors.DatasetError(f"columns.image = {named!r}: holds {schema[column].kind}, and no pictures")
        return column
    return _only([name for name, column in schema.items() if column.kind == "pictures"], "image", path, schema)


def _label(path: Path, schema: Mapping[str, Column], named: str | None) -> str:
    if named is not None:
        return _text_column(path, schema, named, key="columns.label")
    texts = [name for name, column in schema.items() if column.kind == "text"]
    usual = [name for name in USUAL["label"] if name in texts]
    return (
        usual[0] if usual else _only([name for name in texts if schema[name].names is not None], "label", path, schema)
    )


def _only(found: Sequence[str], what: str, path: Path, schema: Mapping[str, Column]) -> str:
    if len(found) == 1:
        return found[0]
    several = f"columns {listed(found)} may all be it" if found else f"it has {listed(list(schema), most=MOST_COLUMNS)}"
    raise errors.DatasetError(
        f'path: {path}: which column is the {what}? Say it as columns = {{ {what} = "…" }}: {several}'
    )


def _text_column(path: Path, schema: Mapping[str, Column], named: str, *, key: str) -> str:
    column = _named(path, schema, named, key=key)
    if schema[column].kind != "text":
        raise errors.DatasetError(f"{key} = {named!r}: holds {schema[column].kind}; give text or whole numbers")
    return column


def _named(path: Path, schema: Mapping[str, Column], named: str, *, key: str) -> str:
    head = list(schema)
    return head[place_of(named, head, path, key=key)]
