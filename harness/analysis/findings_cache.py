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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from harness import files
from harness.analysis.costs import Cost, Spent
from harness.analysis.curves import Step
from harness.analysis.search_findings import Findings
from harness.cells import Asked
from harness.record_forms import StoredTable
from harness.records import Record
from harness.trials import Outcome, Reading

if TYPE_CHECKING:
    import polars as pl

_PACKAGE = Path(__file__).parents[1]
# All that decides what is found in a record's files.
_SOURCES = ("analysis/*.py", "cells.py", "checked_files.py", "ledger.py", "record_forms.py", "records.py", "trials.py")
_SEAL_BYTES = hashlib.sha256().digest_size

_DECODER = json.JSONDecoder()
_FIELDS = tuple(field.name for field in fields(Record) if field.name != "cell")
_TABLES: Mapping[str, type[StoredTable]] = {
    name: kind
    for name, kind in get_type_hints(Record).items()
    if name in _FIELDS and isinstance(kind, type) and issubclass(kind, StoredTable)
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedRecord:
    """What was found in a cell's files while they had this ``fingerprint`` (``CellFolder.fingerprint``)."""

    fingerprint: str
    findings: Findings


def load(path: Path) -> Mapping[str, DerivedRecord]:
    """Return what ``save`` left at ``path``, by the cell's id; nothing where it is corrupt, or of other code."""
    if not is_possible():
        return {}
    try:
        stored = files.read_plain(path)
    except OSError:
        return {}
    seal, columns = stored[:_SEAL_BYTES], stored[_SEAL_BYTES:]
    # Polars may take the whole process down on damaged columns, so the seal is looked at first.
    return _from_columns(columns) if seal == _seal(columns) else {}


def save(path: Path, kept: Mapping[str, DerivedRecord]) -> None:
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


def _to_columns(kept: Mapping[str, DerivedRecord]) -> bytes:
    import polars as pl  # noqa: PLC0415 - a quarter of a second that only reading results is worth

    found = [each.findings for each in kept.values()]
    frame = pl.DataFrame(
        {
            "id": list(kept),
            "fingerprint": [each.fingerprint for each in kept.values()],
            "record": [_spelt(each.record) for each in found],
            "sums": [json.dumps(_sums(each)) for each in found],
            "curve": [[_plain(step) for step in each.curve] for each in found],
            "lines": [each.lines for each in found],
        },
        schema={
            **dict.fromkeys(("id", "fingerprint", "sums", "lines"), pl.String),
            "record": pl.List(pl.String),
            "curve": pl.List(pl.Struct({name: getattr(pl, kind) for name, kind in _kinds(Step).items()})),
        },
    )
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def _from_columns(columns: bytes) -> dict[str, DerivedRecord]:
    import polars as pl  # noqa: PLC0415 - see _to_columns

    frame = pl.read_parquet(io.BytesIO(columns))
    rows = frame.select("id", "fingerprint", "record", "sums", "lines").rows()
    # Most parts of records are the same in many: the machine, the data, the model. They are read, and held, once.
    section_of, field_of = functools.cache(_section), functools.cache(_field)
    return {
        cell_id: DerivedRecord(
            fingerprint=fingerprint,
            findings=Findings(
                record=_record(record, section_of, field_of), **_summed(_value(sums)), curve=curve, lines=lines
            ),
        )
        for (cell_id, fingerprint, record, sums, lines), curve in zip(rows, _curves(frame["curve"]), strict=True)
    }


def _value(text: str) -> Any:
    # What json.loads does without looking for spaces, which takes longer than reading a number.
    return _DECODER.raw_decode(text)[0]


def _spelt(record: Record) -> list[str]:
    """Return the record in parts: the names of the cell's sections, these sections, then the other fields."""
    held, sections = record.document, record.cell.told
    return [json.dumps(part) for part in (list(sections), *sections.values(), *(held[name] for name in _FIELDS))]


def _record(spelt: list[str], section_of: Callable[[str, str], Asked], field_of: Callable[[str, str], Any]) -> Record:
    sections = field_of("sections", spelt[0])
    first_field = 1 + len(sections)
    return Record(
        cell=Asked.joined(dict(zip(sections, map(section_of, sections, spelt[1:first_field]), strict=True))),
        **dict(zip(_FIELDS, map(field_of, _FIELDS, spelt[first_field:]), strict=True)),
    )


def _section(name: str, text: str) -> Asked:
    """Return a recorded cell that has this section alone."""
    return Asked.model_validate({name: _value(text)})


def _field(name: str, text: str) -> Any:
    value = _value(text)
    return _TABLES[name].model_validate(value) if name in _TABLES else value


def _plain(value: Any) -> dict[str, Any]:
    # Not asdict: it copies deeply, which a hundred thousand steps feel.
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _sums(found: Findings) -> dict[str, object]:
    outcomes = {outcome: _plain(spent) for outcome, spent in found.cost.outcomes.items()}
    cost = {**_plain(found.cost), "energy_j": _plain(found.cost.energy_j), "outcomes": outcomes}
    return {"cost": cost, "phases": found.phases, "best": found.best, "called": found.called}


def _summed(stored: dict[str, Any]) -> dict[str, Any]:
    spent = stored["cost"]
    outcomes = {Outcome(name): Spent(**each) for name, each in spent["outcomes"].items()}
    return {**stored, "cost": Cost(**{**spent, "energy_j": Reading(**spent["energy_j"]), "outcomes": outcomes})}


def _kinds(line: type) -> dict[str, str]:
    """Return the columns that the fields of a dataclass of numbers need."""
    return {field.name: "Int64" if field.type == "int" else "Float64" for field in fields(line)}


def _curves(column: pl.Series) -> Iterator[tuple[Step, ...]]:
    """Return each row's steps; all are taken from the column at once, because one by one costs far more."""
    steps = column.filter(column.list.len() > 0).explode().struct.unnest()
    names = steps.columns
    columns = [steps[name].to_list() for name in names]
    made = (Step(**dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True))
    return (tuple(islice(made, count)) for count in column.list.len().to_list())
