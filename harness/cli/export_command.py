"""``harness export``: searches as other tools keep them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from harness import matrix
from harness.api import given_paths
from harness.api.results import Results, opened
from harness.cli import printing, streams
from harness.exports.formats import FORMATS


def write(source: Path, *, to: str, output: Path, results: Path, prices: Path | None) -> None:
    """Export the results in a folder, or of a matrix, and say what opens them.

    Raises:
        ResultsError: No search has a record.
        UserError: A package is missing, or ``output`` is there already or can't be.
    """
    found = _opened(source, results=results, prices=prices)
    for line in found.remarks:
        streams.say(line, sys.stderr)
    # TensorFlow's remarks on this machine's processor are none of this command's.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    written = found.export(to, output)
    printing.say(f"exported: {len(found.recorded.searches)} searches to {written}")
    printing.say(f"open it: {FORMATS[to].opened_by.format(path=written)}")


def _opened(source: Path, *, results: Path, prices: Path | None) -> Results:
    if source.is_file() or source.suffix:
        loaded = matrix.load(source)
        return opened(given_paths.results_folder(results) / loaded.name, matrix=loaded, prices=prices)
    return opened(source, prices=prices)
