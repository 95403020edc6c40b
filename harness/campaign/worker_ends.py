"""How a worker's end is read, and whose it was: the search's own, or the machine's trouble."""

from __future__ import annotations

import re
from dataclasses import replace

from harness import files
from harness.errors import MACHINE_TROUBLE_EXIT, ResultsError
from harness.executors import OWN_SIGNALS, Cause, Ended
from harness.records import CellFolder

_LOG_LINES = 5
# What a worker's log begins each of its own lines with.
_STAMP = re.compile(r"^ *\d+ ms [\w.]+: ")


def with_files_read(ended: Ended, folder: CellFolder) -> Ended:
    """Return ``ended``, or the disk's trouble where what workers left can't be read: it is written whole."""
    try:
        folder.outcome()
        folder.trials()
        folder.attempts()
    except ResultsError as error:
        return replace(ended, cause=Cause.UNREADABLE_OUTCOME, detail=str(error))
    return ended


def is_machine_trouble(ended: Ended) -> bool:
    """Return whether the same search could end otherwise on a machine without the trouble."""
    if ended.cause is not None:
        return ended.cause.is_trouble
    return (ended.signal is not None and ended.signal not in OWN_SIGNALS) or ended.exit_code == MACHINE_TROUBLE_EXIT


def told(ended: Ended, folder: CellFolder) -> str:
    """Say in a line how a worker ended."""
    if ended.cause is not None:
        return f"{ended.cause}: {ended.detail}"
    last = last_lines(folder)
    how = f"killed by {ended.signal}" if ended.signal is not None else f"exit code {ended.exit_code}"
    return f"{how}: {_STAMP.sub('', last[-1])}" if last else how


def last_lines(folder: CellFolder) -> list[str]:
    """Return the end of the worker's log."""
    try:
        lines = files.read_plain(folder.log).decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line[:500] for line in lines[-_LOG_LINES:]]
