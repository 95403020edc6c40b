"""``harness compare`` and ``harness drift``."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness import analysis, compare, files, result_stores
from harness.cli import exit_codes, printing, streams
from harness.compare import (
    RunComparison,
    RunVerdict,
    badge,
    change_points,
    history,
    history_page,
    measures,
    pytest_benchmark_json,
)
from harness.compare import rendering as comparisons
from harness.compare.history import Night
from harness.errors import ResultsError, UserError
from harness.reports import rendering
from harness.reports.report_types import Report
from harness.results_folder import MatrixFolder

_NOTHING = analysis.MatrixResults(cells=())
_CODES = {
    RunVerdict.NO_WORSE: exit_codes.OK,
    RunVerdict.WORSE: exit_codes.WORSE,
    RunVerdict.INCOMPARABLE: exit_codes.INCOMPARABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Files that a comparison is written to, where asked for."""

    markdown: Path | None = None
    json: Path | None = None
    benchmark_json: Path | None = None
    history: Path | None = None
    badge: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOutputs:
    """Files that what was found in a history is written to, where asked for.

    ``commit_url`` is where the page links commits to, with ``{commit}`` for the hash.
    """

    markdown: Path | None = None
    page: Path | None = None
    badge: Path | None = None
    commit_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How runs are compared: least changes that count by measure, and whether to go on where they are unlike."""

    minimums: Mapping[str, float] = field(default_factory=dict)
    even_if_unlike: bool = False


def show(baseline: Path, candidate: Path, *, options: Options, outputs: Outputs) -> int:
    """Compare two runs, print and write what came out, and return the exit code.

    Everything is written whatever came out, so that no output is left from an earlier call, and what the candidate says
    by itself even where there is nothing to compare it with: a first night has no baseline, and is still a night.
    A history that it can't be added to stays as it is and is told, after which no exit code is 0.
    """
    counted = measures.with_minimums(options.minimums)
    earlier, tonight = _read("baseline", baseline), _read("candidate", candidate)
    trouble = _write_candidate(candidate, _NOTHING if isinstance(tonight, str) else tonight, outputs)
    found = _compared(earlier, tonight, counted, options)
    code = _CODES[found.verdict]
    if code == exit_codes.OK:
        code = trouble
    report = comparisons.report(found, baseline=str(baseline), candidate=str(candidate))
    _write(report, outputs.markdown)
    if outputs.badge is not None:
        _put(outputs.badge, files.readable_json(badge.of_comparison(found)))
    if outputs.json is not None:
        told = comparisons.as_json(found, baseline=str(baseline), candidate=str(candidate), exit_code=code)
        _put(outputs.json, files.readable_json(told))
    _print(report)
    return code


def show_drift(path: Path, *, since: dt.date | None, outputs: DriftOutputs) -> int:
    """Look for drift in a history, from a date on if one is given; print and write what came out, return the exit code.

    Raises:
        ResultsError: The history can't be read, or holds no night, or none since then.
    """
    nights = history.read(path)
    if not nights:
        raise ResultsError(f"{path}: holds no night; harness compare --history {path} adds one")
    last = max(night.date for night in nights)
    if since is not None and last < since:
        raise ResultsError(f"{path}: holds no night since {since}, the last is of {last}; name an earlier date")
    found = change_points.find(nights, since=since)
    report = change_points.report(found)
    _write(report, outputs.markdown)
    if outputs.page is not None:
        links = history_page.Links(history=path, page=outputs.page, commit_url=outputs.commit_url)
        _put(outputs.page, history_page.page(nights, found, links).encode())
    if outputs.badge is not None:
        _put(outputs.badge, files.readable_json(badge.of_drift(found)))
    _print(report)
    return exit_codes.WORSE if found.worse else exit_codes.OK


def folder_of(path: Path) -> MatrixFolder:
    """Return the matrix folder that ``path`` is, that it is the ``plan.json`` of, or that alone lies in it.

    Raises:
        ResultsError: There is none, or more than one.
    """
    place = path.parent if path.name == "plan.json" else path
    if (place / "plan.json").is_file():
        return MatrixFolder(place)
    found = sorted(plan.parent for plan in place.glob("*/plan.json"))
    if len(found) > 1:
        names = ", ".join(str(one) for one in found)
        raise ResultsError(f"{path}: holds several matrices; name one of {names}")
    if not found:
        raise ResultsError(f"{path}: no results of a matrix (no plan.json); name a folder such as results/demo")
    return MatrixFolder(found[0])


def _read(role: str, path: Path) -> analysis.MatrixResults | str:
    """Return a run, or why it can't be read."""
    try:
        for line in result_stores.fetch(path):
            streams.say(f"{role}: {line}", sys.stderr)
        return analysis.read(folder_of(path))
    except ResultsError as error:
        return f"{role}: {error}"


def _compared(
    baseline: analysis.MatrixResults | str,
    candidate: analysis.MatrixResults | str,
    counted: Sequence[measures.Measure],
    options: Options,
) -> RunComparison:
    if isinstance(baseline, str) or isinstance(candidate, str):
        reasons = [side for side in (baseline, candidate) if isinstance(side, str)]
        return RunComparison(verdict=RunVerdict.INCOMPARABLE, reasons=reasons)
    return compare.compare(baseline, candidate, measures=counted, even_if_unlike=options.even_if_unlike)


def _write_candidate(candidate: Path, results: analysis.MatrixResults, outputs: Outputs) -> int:
    """Write what a run says by itself; return the exit code that a history asks for which it can't be added to."""
    if outputs.benchmark_json is not None:
        _put(outputs.benchmark_json, files.readable_json(pytest_benchmark_json.benchmarks(results)))
    if outputs.history is None:
        return exit_codes.OK
    try:
        _add(history.summary(results, run=_from(outputs.history, candidate)), outputs.history)
    except UserError as error:
        streams.say(str(error), sys.stderr)
        return exit_codes.USERS_MISTAKE
    except OSError as error:
        trouble = files.disk_trouble(error, place=str(outputs.history))
        if trouble is None:
            raise
        streams.say(trouble, sys.stderr)
        return exit_codes.SOME_MISSING
    return exit_codes.OK


def _from(path: Path, candidate: Path) -> str | None:
    """Return the folder of a run as seen from the file ``path``, or None where there is none."""
    try:
        folder = folder_of(candidate).path
    except ResultsError:
        return None
    return Path(os.path.relpath(folder, path.parent)).as_posix()


def _add(night: Night | None, path: Path) -> None:
    if night is None:
        streams.say(f"{path}: not added to: no search was finished", sys.stderr)
        return
    with _told_if_it_can_not_be_written(path):
        added = history.append(path, night)
    if not added:
        streams.say(f"{path}: has this night already", sys.stderr)


def _write(report: Report, path: Path | None) -> None:
    if path is not None:
        _put(path, rendering.markdown(report).encode())


def _put(path: Path, data: bytes) -> None:
    with _told_if_it_can_not_be_written(path):
        files.write_output(path, data)


@contextmanager
def _told_if_it_can_not_be_written(path: Path) -> Iterator[None]:
    try:
        yield
    except files.WRONG_PATH as error:
        raise UserError(f"{path}: can't be written ({error.strerror}); name another file") from error


def _print(report: Report) -> None:
    printing.say(report.title, style="bold")
    for section in report.sections:
        printing.table(section)
        for note in section.notes:
            printing.say(note)
    for note in report.notes if report.sections else [report.empty, *report.notes]:
        printing.say(note)
