"""Searches as runs of MLflow: a database of SQLite with an experiment for each group, and a folder of artifacts."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.exports.exported_searches import Export, ExportedSearch, ExportedTrial, Fact
from harness.results_folder import GroupName
from harness.search_types import Parameters

if TYPE_CHECKING:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

DATABASE = "mlflow.db"
# MLflow takes no more at once.
_METRICS = 1000
# What MLflow has as the time of a search that never ran.
_NEVER = dt.datetime.fromtimestamp(0, dt.UTC)


def write(folder: Path, export: Export) -> None:
    """Write a run for each search, with its files as artifacts, and beneath it one for each of its trials.

    Numbers that are known are metrics, all else tags; a trial's hyperparameters, and a search's best, are parameters.
    """
    artifacts, experiments = export.output / "artifacts", dict[GroupName, str]()
    with _store(folder, artifacts) as store:
        for search in export.searches():
            group = search.name.group
            if group not in experiments:
                experiments[group] = store.create_experiment("/".join(group), str(artifacts))
            told = _of_search(search)
            run = _add(told, store, experiments[group])
            for each in search.trials:
                _add(_of_trial(each, of=told, run=run), store, experiments[group])
            # MLflow looks for them in the place where the folder will be.
            kept = folder / "artifacts" / run / "artifacts"
            kept.mkdir(parents=True)
            for path in search.files:
                shutil.copyfile(path, kept / path.name)


@contextmanager
def _store(folder: Path, artifacts: Path) -> Iterator[SqlAlchemyStore]:
    """Give a store in a database that is moved into ``folder`` once it is whole."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415 - takes seconds

    # MLflow keeps its connection to a path for good, so each export has one of its own.
    with tempfile.TemporaryDirectory(dir=folder) as aside, _silent():
        store = SqlAlchemyStore(f"sqlite:///{aside}/{DATABASE}", str(artifacts))
        yield store
        store.engine.dispose()
        Path(aside, DATABASE).rename(folder / DATABASE)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep MLflow from telling standard error of the tables that it makes."""
    said = logging.getLogger("mlflow.store.db.utils")
    before = said.level
    said.setLevel(logging.WARNING)
    try:
        yield
    finally:
        said.setLevel(before)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What MLflow is told of a search or a trial; ``points`` are names and values with their steps and moments."""

    name: str
    began_at: dt.datetime
    ended_at: dt.datetime
    facts: Mapping[str, Fact]
    points: Sequence[tuple[str, float, int, dt.datetime]]
    parameters: Parameters
    is_well: bool


def _of_search(search: ExportedSearch) -> _Run:
    return _Run(
        name=f"{search.name.tuner}/{search.name.seed}",
        began_at=search.trials[0].began_at if search.trials else _NEVER,
        ended_at=search.trials[-1].ended_at if search.trials else _NEVER,
        facts=search.facts,
        points=[("incumbent_val_score", best, epochs, moment) for epochs, moment, best in search.incumbents()],
        parameters=search.best,
        is_well=search.facts["status"] == "ok",
    )


def _of_trial(each: ExportedTrial, *, of: _Run, run: str) -> _Run:
    return _Run(
        name=f"{of.name}/{each.trial.number}",
        began_at=each.began_at,
        ended_at=each.ended_at,
        facts={**each.facts, "mlflow.parentRunId": run},
        points=[(name, value, step, ended) for step, ended, known in each.epochs() for name, value in known.items()],
        parameters=each.trial.parameters,
        is_well=each.score is not None,
    )


def _add(told: _Run, store: SqlAlchemyStore, experiment: str) -> str:
    """Add a run, and return its id."""
    from mlflow.entities import Metric, Param, RunStatus, RunTag  # noqa: PLC0415 - see above

    tags = [RunTag(name, str(fact)) for name, fact in told.facts.items() if not _is_number(fact)]
    run: str = store.create_run(experiment, "harness", _ms(told.began_at), tags, told.name).info.run_id
    at_end = _ms(told.ended_at)
    metrics = [Metric(name, float(fact), at_end, 0) for name, fact in told.facts.items() if _is_number(fact)]
    metrics += [Metric(name, value, _ms(moment), step) for name, value, step, moment in told.points]
    parameters = [Param(name, str(value)) for name, value in told.parameters.items()]
    for begin in range(0, max(len(metrics), 1), _METRICS):
        store.log_batch(run, metrics[begin : begin + _METRICS], parameters if begin == 0 else [], [])
    store.update_run_info(run, RunStatus.FINISHED if told.is_well else RunStatus.FAILED, at_end, told.name)
    return run


def _is_number(fact: Fact) -> bool:
    return isinstance(fact, int | float) and not isinstance(fact, bool)


def _ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)
