"""What a path is that images are given by: folders, a table, arrays, or what a library saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.datasets import resolving, verified_sources
from harness.datasets.verified_sources import Source
from harness.errors import DatasetError
from harness.matrix_schema import Dataset

_SAVED = ("dataset_dict.json", "state.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenImages:
    """A data set as a matrix names it, with an absolute path, and its verified files."""

    section: dict[str, Any]
    source: Source

    @property
    def images(self) -> int | None:
        """How many files there are, those that can't be read and duplicates included; None of arrays."""
        return len(verified_sources.listed(self.source).files) if self.source.has_files else None


def look(path: Path, *, hints: dict[str, Any], cache: Path, results: Path) -> GivenImages:
    """Return what ``path`` is, read as the harness's searches would; every file is hashed.

    Args:
        path: A folder or a file.
        hints: More keys of the data set's section: what folders are, how columns are called.
        cache: Where pictures are unpacked to that a library saved.
        results: Where results go, which must be no place of the images.

    Raises:
        DatasetError: It holds no data set; the line says why, and the way out.
    """
    place = path.absolute()
    refused: DatasetError | None = None
    for kind in _kinds(place):
        section = {"source": kind, "path": str(place), **hints}
        try:
            found = resolving.resolve(Dataset.model_validate(section), base=place.parent, cache=cache, results=results)
        except DatasetError as error:
            refused = refused or error
        else:
            return GivenImages(section=section, source=found)
    raise refused or DatasetError(f"{path}: {_way_out(path)}")


def _kinds(path: Path) -> Iterator[str]:
    """Yield what it may be, the likeliest first."""
    if path.is_dir():
        yield _of_folder(path)
        return
    suffix = path.suffix.casefold()
    if suffix == ".npz":
        yield "npz"
    if suffix in (".csv", ".tsv", ".parquet"):
        yield "table"
    if suffix == ".parquet":
        yield "huggingface"


def _of_folder(path: Path) -> str:
    if (path / "features.json").is_file() and (path / "dataset_info.json").is_file():
        return "tfds"
    is_saved = any((path / name).is_file() for name in _SAVED)
    return "huggingface" if is_saved or any(path.glob("*.parquet")) or any(path.glob("*/*.parquet")) else "folder"


def _way_out(path: Path) -> str:
    if not path.exists():
        return "no such file or folder; check the path"
    return (
        "a file of another kind; give a folder with a folder of images for each class, a table of paths and labels "
        "(.csv, .tsv, .parquet) or an .npz, and unpack an archive first"
    )
