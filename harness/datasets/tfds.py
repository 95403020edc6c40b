"""Data sets that TensorFlow Datasets has prepared on a disk: TFRecord files, beside what says what is in them.

Neither TensorFlow nor the library is imported, and nothing is downloaded or prepared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import errors, matrix_schema
from harness.datasets import tfrecord
from harness.datasets.csv_reader import MOST_COLUMNS, listed, place_of
from harness.datasets.extracted_images import Picture, text_of
from harness.datasets.tfrecord import Value

_INFO, _FEATURES = "dataset_info.json", "features.json"
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_PICTURES, _CLASSES, _TEXTS = "Image", "ClassLabel", ("Text", "Scalar", "Tensor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A prepared data set.

    Attributes:
        path: Its folder.
        splits: The files of each split.
        counts: How many pictures each file holds.
        image: The feature of pictures.
        label: The feature of labels.
        group: The feature of groups, if any is asked for.
        names: What the labels 0, 1, … are called, of the features that say.
    """

    path: Path
    splits: Mapping[str, Sequence[Path]]
    counts: Mapping[Path, int]
    image: str
    label: str
    group: str | None
    names: Mapping[str, Sequence[str]]

    @property
    def told(self) -> Sequence[object]:
        """Which features are used, and how classes are called."""
        return [self.image, self.label, self.group, {feature: list(self.names[feature]) for feature in self.names}]

    def pictures(self, file: Path, split: str) -> Iterator[Picture]:
        """Yield the pictures of a file."""
        count = 0
        try:
            for record in tfrecord.records(file):
                yield self._picture(
                    tfrecord.example(record), f"path: {self.path}: {split}: {file.name}: picture {count}"
                )
                count += 1
        except (OSError, tfrecord.Broken) as error:
            why = errors.reason(error)
            raise errors.DatasetError(f"path: {file}: can't be read ({why}); prepare the data set again") from error
        if count != self.counts[file]:
            raise errors.DatasetError(
                f"path: {file}: holds {count:,} pictures, and {_INFO} says {self.counts[file]:,}; prepare the data set "
                f"again"
            )

    def _picture(self, held: Mapping[str, Sequence[Value]], place: str) -> Picture:
        data = _only(held, self.image, place)
        if not isinstance(data, bytes):
            raise errors.DatasetError(f"{place}: {self.image!r} is no picture")
        return Picture(
            data=data,
            label=self._text(self.label, held, place),
            group=None if self.group is None else self._text(self.group, held, place),
        )

    def _text(self, feature: str, held: Mapping[str, Sequence[Value]], place: str) -> str:
        return text_of(_only(held, feature, place), self.names.get(feature), column=feature, place=place)


def opened(path: Path, columns: matrix_schema.Columns | None) -> Prepared:
    """Return the data set in ``path``; pictures are not read yet.

    Args:
        path: The folder of one version, that holds ``dataset_info.json``.
        columns: Which features to take, where their kinds leave it open.

    Raises:
        DatasetError: It is none, lacks a feature, or is kept in another kind of file.
    """
    info = _json(path / _INFO, path)
    features = _features(path)
    named = columns or matrix_schema.Columns()
    image = _chosen(path, features, named.image, kinds=(_PICTURES,), what="image")
    label = _chosen(path, features, named.label, kinds=(_CLASSES,), what="label", others=_TEXTS)
    group = (
        None
        if named.group is None
        else _chosen(path, features, named.group, kinds=(_CLASSES,), what="group", others=_TEXTS)
    )
    splits = _splits(path, info)
    if not splits:
        raise errors.DatasetError(f"path: {path}: {_INFO} names no pictures; prepare the data set again")
    used = [feature for feature in (label, group) if feature is not None]
    return Prepared(
        path=path,
        splits={name: tuple(counts) for name, counts in splits.items()},
        counts={file: count for counts in splits.values() for file, count in counts.items()},
        image=image,
        label=label,
        group=group,
        names={feature: names for feature in used if (names := _names(path, feature)) is not None},
    )


def _json(file: Path, path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_bytes()))
    except FileNotFoundError as error:
        inner = sorted(each.parent for each in path.rglob(_INFO)) if path.is_dir() else []
        way_out = f"did you mean {str(inner[-1])!r}?" if inner else "give the folder of one version, which holds it"
        raise errors.DatasetError(f"path: {path}: has no {file.name}; {way_out}") from error
    except (OSError, ValueError, TypeError) as error:
        why = errors.reason(error)
        raise errors.DatasetError(f"path: {file}: can't be read ({why}); prepare the data set again") from error


def _features(path: Path) -> dict[str, str]:
    """Return the kind of each feature."""
    try:
        held = _json(path / _FEATURES, path)["featuresDict"]["features"]
        return {name: feature["pythonClassName"].rpartition(".")[2] for name, feature in held.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise errors.DatasetError(
            f"path: {path / _FEATURES}: says nothing of features by name; prepare the data set with a newer "
            f"tensorflow_datasets"
        ) from error


def _chosen(
    path: Path,
    features: Mapping[str, str],
    named: str | None,
    *,
    kinds: Sequence[str],
    what: str,
    others: Sequence[str] = (),
) -> str:
    """Return the feature that is named, of these kinds or others; or the only one of these kinds."""
    head = list(features)
    if named is not None:
        feature = head[place_of(named, head, path, key=f"columns.{what}")]
        if features[feature] not in (*kinds, *others):
            raise errors.DatasetError(
                f"columns.{what} = {named!r}: is of kind {features[feature]}; give another feature"
            )
        return feature
    found = [name for name, kind in features.items() if kind in kinds]
    if len(found) == 1:
        return found[0]
    several = f"{listed(found)} may all be it" if found else f"there are {listed(head, most=MOST_COLUMNS)}"
    raise errors.DatasetError(
        f'path: {path}: which feature is the {what}? Say it as columns = {{ {what} = "…" }}: {several}'
    )


def _names(path: Path, feature: str) -> tuple[str, ...] | None:
    try:
        return tuple((path / f"{feature}.labels.txt").read_text("utf-8").splitlines())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = errors.reason(error)
        raise errors.DatasetError(f"path: {path}: {feature}.labels.txt can't be read ({why})") from error


def _splits(path: Path, info: Mapping[str, Any]) -> dict[str, dict[Path, int]]:
    """Return the files of each split that has any, with how many pictures each holds."""
    try:
        found = {str(split["name"]): _shards(path, info, split) for split in info.get("splits", ())}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = errors.reason(error)
        raise errors.DatasetError(f"path: {path / _INFO}: can't be read ({why}); prepare the data set again") from error
    return {name: counts for name, counts in found.items() if counts}


def _shards(path: Path, info: Mapping[str, Any], split: Mapping[str, Any]) -> dict[Path, int]:
    """Return the files of a split, with how many pictures each holds."""
    kind = str(info.get("fileFormat") or "tfrecord")
    if kind != "tfrecord":
        raise errors.DatasetError(
            f'path: {path}: is kept as {kind}; prepare it again with file_format="tfrecord", which can be read'
        )
    lengths = [int(length) for length in split.get("shardLengths", ())]
    template = str(split.get("filepathTemplate") or _TEMPLATE)
    found = {}
    for number, length in enumerate(lengths):
        told = {
            "{DATASET}": str(info.get("name")),
            "{SPLIT}": str(split["name"]),
            "{FILEFORMAT}": kind,
            "{SHARD_X_OF_Y}": f"{number:05}-of-{len(lengths):05}",
            "{SHARD_INDEX}": f"{number:05}",
            "{NUM_SHARDS}": f"{len(lengths):05}",
        }
        name = template
        for placeholder, value in told.items():
            name = name.replace(placeholder, value)
        if Path(name).name != name or not (path / name).is_file():
            raise errors.DatasetError(f"path: {path}: lacks {name!r}, which {_INFO} names; copy the whole folder")
        found[path / name] = length
    return found


def _only(held: Mapping[str, Sequence[Value]], feature: str, place: str) -> Value:
    values = held.get(feature, ())
    if len(values) != 1:
        raise errors.DatasetError(f"{place} has {len(values)} entries in {feature!r}; one is needed")
    return values[0]
