"""Searches of other tools, as records: what nobody told is unknown, and never 0."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import files
from harness.catalogue.tuners import KNOWN
from harness.cells import SCHEMA_VERSION, Asked
from harness.errors import ResultsError, UserError
from harness.record_schema import BuiltTable, DataTable, EnvironmentTable, EvidenceTable, ReadingTable
from harness.records import Record
from harness.results_folder import MatrixFolder, Planned, SearchName
from harness.search_types import Epoch, Outcome, Trial, Value

_UNKNOWN = "unknown"
_UNTOLD = ReadingTable.model_validate({"value": None, "reason": "another tool searched"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSearch:
    """A search as another tool has it: what it is called there, its trials, and when it began, in ISO 8601."""

    called: str
    trials: Sequence[Trial]
    began_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchImport:
    """What foreign searches are taken for.

    Attributes:
        name: What results are called; the data set too, where a search isn't called as exports call them.
        metric: What its scores are.
        tuner: What searched: the name in tables, and, where it is one of the harness's tuners, that one.
        source: The file or folder that they are from.
    """

    name: str
    metric: str
    tuner: str
    source: str


def trial(
    number: int,
    parameters: Mapping[str, Value],
    scores: Mapping[int, float],
    *,
    outcome: Outcome,
    reason: str | None = None,
) -> Trial:
    """Return a trial of which scores are known by epoch, and nothing that it cost.

    Raises:
        ResultsError: A score is not from 0 to 1.
    """
    beyond = next((score for score in scores.values() if not 0 <= score <= 1), None)
    if beyond is not None:
        raise ResultsError(f"trial {number}: a score of {beyond:g} is not from 0 to 1, where more is better")
    # Some count from 0.
    shift = 1 if 0 in scores else 0
    epochs = [
        Epoch(epoch=step + shift, val_score=score, loss=None, train_s=None, evaluate_s=None)
        for step, score in sorted(scores.items())
    ]
    return Trial(
        number=number,
        parameters=dict(parameters),
        first_epoch=1,
        last_epoch=epochs[-1].epoch if epochs else 1,
        parent=None,
        outcome=outcome,
        epochs=tuple(epochs),
        charged_epochs=len(epochs),
        cpu_s=None,
        reason=reason,
    )


def write(searches: Sequence[ForeignSearch], asked: SearchImport, *, results: Path) -> Path:
    """Write a record for each search into ``results/NAME``, and return that folder.

    Raises:
        UserError: The folder is there already.
        ResultsError: There is no search, or two bear one name.
    """
    folder = MatrixFolder(results / asked.name)
    if folder.path.exists():
        raise UserError(f"{folder.path}: is there already; move it away, or give another --name")
    if not searches:
        raise ResultsError(f"{asked.source}: has no search")
    named = {_named(place, search, asked): search for place, search in enumerate(searches, start=1)}
    try:
        folder.write_plan([_write(folder, name, search, asked) for name, search in named.items()])
    except BaseException:
        # Whole or not at all: nobody else knows of the folder yet.
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder.path


def _named(place: int, search: ForeignSearch, asked: SearchImport) -> SearchName:
    """Return the names of a search: those of an export, or else its place as a seed."""
    parts = search.called.split("/")
    if len(parts) == len(SearchName._fields) and parts[-1].isdecimal():
        dataset, backbone, hyperparameters, tuner, seed = parts
        return SearchName(dataset, backbone, hyperparameters, tuner, int(seed))
    return SearchName(asked.name, _UNKNOWN, _UNKNOWN, asked.tuner, place)


def _write(folder: MatrixFolder, name: SearchName, search: ForeignSearch, asked: SearchImport) -> Planned:
    planned = Planned(
        id=files.digest([asked.source, search.called, *name])[:16],
        group=files.digest(name.group)[:16],
        **name._asdict(),
    )
    cell = folder.cell(planned.id)
    cell.path.mkdir(parents=True)
    for each in search.trials:
        cell.append(each)
    cell.seal(replace(_record(name, search, asked), trials_sha256=cell.trials_sha256))
    return planned


def _record(name: SearchName, search: ForeignSearch, asked: SearchImport) -> Record:
    has_score = any(each.epochs for each in search.trials)
    return Record(
        schema_version=SCHEMA_VERSION,
        cell=Asked.model_validate(_asked(name, asked)),
        status="completed" if has_score else "failed",
        ended=f"imported: {search.called}",
        reason=None if has_score else "no trial had a score",
        started_at=search.began_at,
        attempts=1,
        trials=len(search.trials),
        wall_s=None,
        setup_phases={},
        closing_phases={},
        peak_memory_bytes=_UNTOLD,
        energy=_UNTOLD,
        device_peak_memory_bytes=_UNTOLD,
        data=DataTable(),
        model=BuiltTable(),
        environment=EnvironmentTable.model_validate({"imported": asked.source}),
        evidence=EvidenceTable(),
    )


def _asked(name: SearchName, asked: SearchImport) -> dict[str, object]:
    tuner = {"tuner": {"tuner": name.tuner}} if name.tuner in KNOWN else {}
    names = {key: value for key, value in name._asdict().items() if key != "seed"}
    return {"names": names, "seed": name.seed, "protocol": {"metric": asked.metric}, **tuner}
