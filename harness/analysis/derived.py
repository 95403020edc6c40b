"""What was found in the records, kept as columns, so that a later read takes seconds for a million epochs.

The records stay the only truth. The file may be deleted at any time; one that is corrupt, or that other code wrote, is
ignored and made anew; where it can't be written, reading is slow and nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness import files
from harness.analysis.costs import Cost
from harness.analysis.curves import Step
from harness.analysis.findings import Findings, Tried
from harness.model import Outcome, Reading
from harness.records import Record

if TYPE_CHECKING:
    import polars as pl

_PACKAGE = Path(__file__).parents[1]
# All that decides what is found in a record's files.
_SOURCES = ("analysis/*.py", "cells.py", "ledger.py", "model.py", "records.py")
_SEAL_BYTES = hashlib.sha256().digest_size

_log = logging.getLogger(__name__)
_Line = TypeVar("_Line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was found in a cell's files while they had this ``fingerprint`` (``CellFolder.fingerprint``)."""

    fingerprint: str
    findings: Findings


def load(path: Path) -> Mapping[str, Kept]:
    """Return what ``save`` left at ``path``, by the cell's id; nothing where it is corrupt, or of other code."""
    if not is_possible():
        return {}
    try:
        stored = path.read_bytes()
    except OSError:
        return {}
    seal, columns = stored[:_SEAL_BYTES], stored[_SEAL_BYTES:]
    # Polars may take the whole process down on damaged columns, so the seal is looked at first.
    return _from_columns(columns) if seal == _seal(columns) else {}


def save(path: Path, kept: Mapping[str, Kept]) -> None:
    """Store ``kept`` atomically; where the disk refuses, later reads are slower and nothing is lost."""
    if not is_possible():
        return
    columns = _to_columns(kept)
    try:
        files.write_atomically(path, _seal(columns) + columns)
    except OSError as error:
        _log.info("%s can't be written (%s): the records are read again each time", path, error)


@functools.cache
def is_possible() -> bool:
    """Whether polars is installed, which a host that makes no tables does without."""
    return importlib.util.find_spec("polars") is not None


def _seal(columns: bytes) -> bytes:
    return hashlib.sha256(_sources() + columns).digest()


@functools.cache
def _sources() -> bytes:
    paths = sorted(path for pattern in _SOURCES for path in _PACKAGE.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).digest()


def _to_columns(kept: Mapping[str, Kept]) -> bytes:
    import polars as pl  # noqa: PLC0415 - a quarter of a second that only reading results is worth

    found = [each.findings for each in kept.values()]
    frame = pl.DataFrame(
        {
            "id": list(kept),
            "fingerprint": [each.fingerprint for each in kept.values()],
            "record": [_spelt(each.record) for each in found],
            "cost": [json.dumps(_plain_cost(each.cost)) for each in found],
            "phases": [json.dumps(each.phases) for each in found],
            "best": [json.dumps(each.best) for each in found],
            "curve": [[_plain(step) for step in each.curve] for each in found],
            "tried": [[_plain_tried(trial) for trial in each.tried] for each in found],
        },
        schema={
            **dict.fromkeys(("id", "fingerprint", "cost", "phases", "best"), pl.String),
            "record": pl.List(pl.String),
            "curve": _lines_of(Step),
            "tried": _lines_of(Tried),
        },
    )
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def _from_columns(columns: bytes) -> dict[str, Kept]:
    import polars as pl  # noqa: PLC0415 - a quarter of a second that only reading results is worth

    frame = pl.read_parquet(io.BytesIO(columns))
    curves, tried = _lists(frame["curve"], Step), _lists(frame["tried"], _tried)
    rows = frame.drop("curve", "tried").iter_rows(named=True)
    # Most parts of records are the same in many: the machine, the data, the model. They are read, and held, once.
    value_of = functools.cache(json.loads)
    return {
        row["id"]: Kept(
            fingerprint=row["fingerprint"],
            findings=Findings(
                record=_record(row["record"], value_of),
                cost=_cost(json.loads(row["cost"])),
                phases=json.loads(row["phases"]),
                best=value_of(row["best"]),
                curve=curve,
                tried=trials,
            ),
        )
        for row, curve, trials in zip(rows, curves, tried, strict=True)
    }


def _spelt(record: Record) -> list[str]:
    """Return the record in parts: the names of the cell's sections, these sections, then the other fields."""
    rest = [getattr(record, field.name) for field in fields(Record) if field.name != "cell"]
    return [json.dumps(part) for part in (list(record.cell), *record.cell.values(), *rest)]


def _record(spelt: list[str], value_of: Callable[[str], Any]) -> Record:
    sections, *parts = map(value_of, spelt)
    names = [field.name for field in fields(Record) if field.name != "cell"]
    rest = dict(zip(names, parts[len(sections) :], strict=True))
    return Record(cell=dict(zip(sections, parts, strict=False)), **rest)


def _plain(value: Any) -> dict[str, Any]:
    # Not asdict: it copies deeply, which a hundred thousand lines feel, and miscopies a Counter.
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _plain_cost(cost: Cost) -> dict[str, Any]:
    return {**_plain(cost), "energy_j": _plain(cost.energy_j), "outcomes": dict(cost.outcomes)}


def _cost(stored: dict[str, Any]) -> Cost:
    outcomes = Counter({Outcome(name): count for name, count in stored["outcomes"].items()})
    return Cost(**{**stored, "energy_j": Reading(**stored["energy_j"]), "outcomes": outcomes})


def _plain_tried(trial: Tried) -> dict[str, Any]:
    return {**_plain(trial), "parameters": json.dumps(trial.parameters)}


def _tried(**stored: Any) -> Tried:
    parameters, outcome = json.loads(stored["parameters"]), Outcome(stored["outcome"])
    return Tried(**{**stored, "parameters": parameters, "outcome": outcome})


def _lines_of(line: type) -> pl.List:
    import polars as pl  # noqa: PLC0415 - a quarter of a second that only reading results is worth

    types = {"int": pl.Int64, "float": pl.Float64, "float | None": pl.Float64}
    return pl.List(pl.Struct({field.name: types.get(str(field.type), pl.String) for field in fields(line)}))


def _lists(column: pl.Series, line: Callable[..., _Line]) -> Iterator[tuple[_Line, ...]]:
    """Return each row's lines; all are taken from the column at once, because one by one costs far more."""
    lines = column.filter(column.list.len() > 0).explode().struct.unnest()
    values = iter([line(**row) for row in lines.iter_rows(named=True)])
    return (tuple(islice(values, count)) for count in column.list.len().to_list())
