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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from harness import files
from harness.analysis import search_findings
from harness.analysis.costs import Cost, Spent
from harness.analysis.incumbent_curves import Step
from harness.analysis.search_findings import Findings
from harness.cells import Asked
from harness.record_schema import StoredTable
from harness.records import CellFolder, Record
from harness.search_types import Outcome, Reading

if TYPE_CHECKING:
    import polars as pl

_PACKAGE = Path(__file__).parents[1]
# All that decides what is found in a record's files.
_SOURCES = (
    "analysis/*.py",
    "cells.py",
    "phase_clock.py",
    "record_schema.py",
    "records.py",
    "search_types.py",
    "stored_file_validation.py",
)
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


class SharedParts:
    """The parts of records: most are the same in many (the machine, the data, the model), and are held once."""

    def __init__(self) -> None:
        self._section, self._field = functools.cache(_section), functools.cache(_field)

    def share(self, record: Record) -> Record:
        """Return an equal record that shares its parts with those made here before."""
        return self.made_of(_spelt(record))

    def made_of(self, spelt: Sequence[str]) -> Record:
        """Return the record that ``_spelt`` took apart."""
        sections = self._field("sections", spelt[0])
        first_field = 1 + len(sections)
        return Record(
            cell=Asked.joined(dict(zip(sections, map(self._section, sections, spelt[1:first_field]), strict=True))),
            **dict(zip(_FIELDS, map(self._field, _FIELDS, spelt[first_field:]), strict=True)),
        )


class FindingsCache:
    """What is found in cells' files: taken from ``path`` as long as the files are as they were, else read anew."""

    def __init__(self, path: Path) -> None:
        self._path, self._parts = path, SharedParts()
        self._earlier = load(path, self._parts)
        self._kept: dict[str, DerivedRecord] = {}

    def findings(self, cell_id: str, folder: CellFolder) -> Findings | None:
        """Return what the files in ``folder`` say, or None where there is no record.

        Raises:
            ResultsError: As ``search_findings.find``.
        """
        # Taken before the files are opened: what changes in between is read again next time.
        fingerprint = folder.fingerprint()
        kept = self._kept.get(cell_id) or self._earlier.get(cell_id)
        if kept is None or kept.fingerprint != fingerprint:
            found = search_findings.find(folder)
            if found is None:
                return None
            shared = replace(found, record=self._parts.share(found.record))
            kept = DerivedRecord(fingerprint=fingerprint, findings=shared)
        self._kept[cell_id] = kept
        return kept.findings

    def save(self) -> None:
        """Store what was asked for, if any of it is new."""
        if any(each is not self._earlier.get(cell_id) for cell_id, each in self._kept.items()):
            save(self._path, self._kept)


def load(path: Path, parts: SharedParts) -> Mapping[str, DerivedRecord]:
    """Return what ``save`` left at ``path``, by the cell's id; nothing where it is corrupt, or of other code."""
    if not is_possible():
        return {}
    try:
        stored = files.read_plain(path)
    except OSError:
        return {}
    seal, columns = stored[:_SEAL_BYTES], stored[_SEAL_BYTES:]
    # Polars may take the whole process down on damaged columns, so the seal is looked at first.
    return _from_columns(columns, parts) if seal == _seal(columns) else {}


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


def _from_columns(columns: bytes, parts: SharedParts) -> dict[str, DerivedRecord]:
    import polars as pl  # noqa: PLC0415 - see _to_columns

    frame = pl.read_parquet(io.BytesIO(columns))
    rows = frame.select("id", "fingerprint", "record", "sums", "lines").rows()
    return {
        cell_id: DerivedRecord(
            fingerprint=fingerprint,
            findings=Findings(record=parts.made_of(record), **_summed(_value(sums)), curve=curve, lines=lines),
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
