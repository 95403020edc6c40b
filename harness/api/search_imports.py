"""Searches of other tools, taken in as results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.api import given_paths
from harness.foreign_searches import foreign_records, keras_tuner_folders, optuna_studies
from harness.foreign_searches.foreign_records import SearchImport
from harness.matrix_schema import Metric


def import_optuna(
    storage: str,
    *,
    metric: Metric,
    name: str | None = None,
    studies: Sequence[str] = (),
    tuner: str = "optuna",
    results: str | Path = given_paths.RESULTS,
) -> Path:
    """Make results of the studies of an Optuna storage, and return their folder; what they cost is unknown.

    Args:
        storage: A URL as Optuna takes it, or the path of a SQLite database or of a journal.
        metric: What the values are.
        name: What results are called; by default as the file.
        studies: Names of those that are meant; by default all.
        tuner: What searched.
        results: Folder that ``NAME`` goes into.

    Raises:
        ResultsError: It can't be opened, has no such study, or one that doesn't maximise a single score from 0 to 1.
        UserError: Results of that name are there already.
    """
    source = storage.rpartition("/")[2] or "optuna"
    asked = SearchImport(name=name or Path(source).stem, metric=metric, tuner=tuner, source=source)
    found = list(optuna_studies.read(storage, studies))
    return foreign_records.write(found, asked, results=given_paths.given(results, called="results"))


def import_keras_tuner(
    folder: str | Path,
    *,
    metric: Metric,
    name: str | None = None,
    tuner: str = "keras-tuner",
    results: str | Path = given_paths.RESULTS,
) -> Path:
    """Make results of a project folder of Keras Tuner, or of all in a folder; what they cost is unknown.

    Args:
        folder: A project, or a folder of projects.
        metric: What the objective is.
        name: What results are called; by default as the folder.
        tuner: What searched.
        results: Folder that ``NAME`` goes into.

    Raises:
        ResultsError: There is no project, or one that doesn't maximise a score from 0 to 1.
        UserError: Results of that name are there already.
    """
    path = given_paths.given(folder, called="folder").absolute()
    asked = SearchImport(name=name or path.name, metric=metric, tuner=tuner, source=path.name)
    found = list(keras_tuner_folders.read(path))
    return foreign_records.write(found, asked, results=given_paths.given(results, called="results"))
