"""One line for each night, so that slow regressions over weeks can be seen."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from harness import files, stored_file_validation
from harness.analysis import MatrixResults, SearchResult
from harness.compare import comparability, measures
from harness.compare.matrix_slices import slices
from harness.compare.measures import MEASURES, SCORE, Measure
from harness.compare.verdict import mean
from harness.errors import ResultsError
from harness.matrix_schema import Section
from harness.record_schema import Count, Moment

# History of the line's form:
# 1: first.
# 2: the measure of scores is called ``score``, no longer ``f1``.
# 3: ``commit`` and ``run`` say what ran and where its folder is; earlier lines know neither.
_VERSION: Final = 3
_LEVELS = ("all", "tuner", "group")
_WAY_OUT = "correct the line, or take it out"


class Night(Section):
    """One run: when its last search began, where it ran, and its means by measure and part of the matrix."""

    schema_version: Literal[1, 2, 3]
    """That of this line."""
    night: Moment
    """When the run's last search began, in ISO 8601."""
    like: str
    """A hash of what must agree for two nights to be one series: requests, machine and packages."""
    searches: Count
    """How many searches were finished."""
    planned: Count
    """Of how many."""
    values: Mapping[str, Mapping[str, float]]
    """The means, by measure and part."""
    commit: str | None = None
    """The commit of the harness's sources; None where they were none, or of several commits."""
    run: str | None = None
    """The folder that the run left, from the history's own; None where it is unknown."""

    @property
    def date(self) -> dt.date:
        """The day that its last search began on."""
        return dt.datetime.fromisoformat(self.night).date()


def summary(results: MatrixResults, *, run: str | None = None) -> Night | None:
    """Return the line of a run that left the folder ``run``, or None where no search was finished."""
    scored = [search for search in results.searches if measures.is_scored(search)]
    began = [search.record.started_at for search in scored if search.record is not None]
    if not began:
        return None
    return Night(
        schema_version=_VERSION,
        night=max(began),
        like=files.digest(sorted({files.digest(comparability.facts(search)) for search in scored})),
        searches=len(scored),
        planned=len(results.searches),
        values=_values(scored),
        commit=_commit(scored),
        run=run,
    )


def _commit(scored: Sequence[SearchResult]) -> str | None:
    sources = [search.record.evidence.sources for search in scored if search.record is not None]
    commits = {None if each is None else each.commit for each in sources}
    return commits.pop() if len(commits) == 1 else None


def append(path: Path, night: Night) -> bool:
    """Add a night atomically; leave the file as it is, and return False, where it stands there already.

    Lines of earlier versions are then written as of the last.
    """
    before = read(path) if path.exists() else []
    if any(one.night == night.night and one.like == night.like for one in before):
        return False
    lines = [*before, night]
    text = "".join(json.dumps(one.model_dump(), ensure_ascii=False, allow_nan=False) + "\n" for one in lines)
    files.write_output(path, text.encode())
    return True


def read(path: Path) -> list[Night]:
    """Return the nights in the file's order.

    Raises:
        ResultsError: The file can't be read, or a line is no night; names the line, the key, the value and the way out.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError as error:
        raise ResultsError(f"{path}: no such file; harness compare --history {path} begins it") from error
    except OSError as error:
        why = f"can't be read ({error.strerror})"
        raise ResultsError(f"{path}: {why}; name a file that harness compare --history wrote") from error
    return [_night(f"{path}: line {number}", line) for number, line in enumerate(lines, start=1) if line.strip()]


def _night(where: str, line: bytes) -> Night:
    night = _upgraded(stored_file_validation.checked(line, Night, where=where, way_out=_WAY_OUT))
    for measure in MEASURES:
        for part, value in night.values.get(measure.name, {}).items():
            if measure.is_ratio and value <= 0:
                raise _unsound(where, measure, part, f"{value:g} is no cost, which is above 0")
            if not measure.is_ratio and not 0 <= value <= 1:
                raise _unsound(where, measure, part, f"{value:g} is no score, which is from 0 to 1")
    return night


def _upgraded(night: Night) -> Night:
    if night.schema_version == _VERSION:
        return night
    is_first = night.schema_version == 1
    values = {SCORE.name if is_first and name == "f1" else name: means for name, means in night.values.items()}
    return night.model_copy(update={"schema_version": _VERSION, "values": values})


def _unsound(where: str, measure: Measure, part: str, mistake: str) -> ResultsError:
    return ResultsError(f"{where}: values.{measure.name}.{part}: {mistake}; {_WAY_OUT}")


def _values(scored: Sequence[SearchResult]) -> dict[str, dict[str, float]]:
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
