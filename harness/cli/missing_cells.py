"""What failed or has no record, and why: said where it can't be overlooked."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from harness import analysis
from harness.analysis import SearchResult
from harness.analysis.results_reading import Status
from harness.cli import streams
from harness.results_folder import MatrixFolder


def without_record(folder: MatrixFolder) -> list[str]:
    """Return a line for each reason why planned searches have no record, with how many."""
    searches = analysis.read(folder).searches
    counted = Counter(search.reason for search in searches if search.record is None)
    return [f"{count} of {len(searches)} searches have no record: {reason}" for reason, count in counted.items()]


def badly_ended(cells: Sequence[SearchResult]) -> list[str]:
    """Return a line for each reason why planned cells failed or are missing, with the first of them and how many."""
    by_reason: dict[tuple[str, str | None], list[SearchResult]] = {}
    for cell in cells:
        if cell.status is not Status.OK:
            by_reason.setdefault((cell.status.value, cell.reason), []).append(cell)
    return [f"{status}: {_first(found)}: {reason}" for (status, reason), found in by_reason.items()]


def _first(cells: Sequence[SearchResult]) -> str:
    more = len(cells) - 1
    return f"{cells[0].planned.name}{f' and {more} more' if more else ''}"


def say(lines: Iterable[str]) -> None:
    """Write lines to standard error: standard output belongs to tables and JSON."""
    sys.stdout.flush()
    for line in lines:
        streams.say(line, sys.stderr)
