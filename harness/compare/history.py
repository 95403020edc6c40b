"""One line for each night, so that what creeps over weeks can be seen."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import files
from harness.analysis import Results, Search
from harness.compare import alike, measures
from harness.compare.measures import MEASURES
from harness.compare.slices import slices
from harness.compare.verdict import mean
from harness.errors import ResultsError

SCHEMA_VERSION = 1
"""Of a line."""

_LEVELS = ("all", "tuner", "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One run: when its last search began, where it ran, and its means by measure and part of the matrix.

    ``like`` is a hash of what must agree for two nights to be one series: requests, machine and packages. ``searches``
    counts the finished ones, of ``planned``.
    """

    schema_version: int
    night: str
    like: str
    searches: int
    planned: int
    values: Mapping[str, Mapping[str, float]]


def summary(results: Results) -> Night | None:
    """Return a run's line, or None where no search was finished."""
    scored = [search for search in results.searches if measures.is_scored(search)]
    began = [search.record.started_at for search in scored if search.record is not None]
    if not began:
        return None
    return Night(
        schema_version=SCHEMA_VERSION,
        night=max(began),
        like=files.digest(sorted({files.digest(alike.facts(search)) for search in scored})),
        searches=len(scored),
        planned=len(results.searches),
        values=_values(scored),
    )


def append(path: Path, night: Night) -> bool:
    """Add a night atomically; leave the file as it is, and return False, where it stands there already."""
    before = read(path) if path.exists() else []
    if any(one.night == night.night and one.like == night.like for one in before):
        return False
    lines = [*before, night]
    text = "".join(json.dumps(asdict(one), ensure_ascii=False, allow_nan=False) + "\n" for one in lines)
    files.write_output(path, text.encode())
    return True


def read(path: Path) -> list[Night]:
    """Return the nights in the file's order.

    Raises:
        ResultsError: There is no such file, or a line is no night.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError as error:
        raise ResultsError(f"{path}: no such file; harness compare --history {path} begins it") from error
    return [_night(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _night(path: Path, number: int, line: bytes) -> Night:
    try:
        night = Night(**json.loads(line))
        values = [value for by_part in night.values.values() for value in by_part.values()]
        sound = night.schema_version == SCHEMA_VERSION and all(map(math.isfinite, values))
    except (ValueError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path}: line {number} is no night ({error}); take it out") from error
    if not sound:
        raise ResultsError(f"{path}: line {number} is of another version or holds no numbers; take it out")
    return night


def _values(scored: Sequence[Search]) -> dict[str, dict[str, float]]:
    names = [search.planned.name for search in scored]
    parts = [part for part in slices(names) if part.level in _LEVELS]
    read_once = [measures.readings(search) for search in scored]
    found: dict[str, dict[str, float]] = {}
    for measure in MEASURES:
        for part in parts:
            known = [read_once[index] for index in sorted(part.members)]
            values = [one[measure.name] for one in known if measure.name in one]
            if values:
                found.setdefault(measure.name, {})[part.label] = mean(values, measure)
    return found
