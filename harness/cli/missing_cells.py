"""What has no record, and why: said where it can't be overlooked."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

from harness import analysis
from harness.cli import streams
from harness.plans import MatrixFolder


def without_record(folder: MatrixFolder) -> list[str]:
    """Return a line for each reason why planned searches have no record, with how many."""
    searches = analysis.read(folder).searches
    counted = Counter(search.reason for search in searches if search.record is None)
    return [f"{count} of {len(searches)} searches have no record: {reason}" for reason, count in counted.items()]


def say(lines: Iterable[str]) -> None:
    """Write lines to standard error: standard output belongs to tables and JSON."""
    sys.stdout.flush()
    for line in lines:
        streams.say(line, sys.stderr)
