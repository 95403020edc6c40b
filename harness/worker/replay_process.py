"""``python -m harness.worker.replay_process CONNECTION SCRATCH``: searches many cells in tables, one after another.

CONNECTION is the number of an open ``multiprocessing.connection.Connection``, SCRATCH a folder for what tuners'
libraries write. Each message is a cell as JSON. It is answered by two: the outcome as JSON, with its ``best_score``,
and the trials as the lines of their file. Where a search doesn't end well both are empty: a process of its own is to
search the cell again, and to tell why. So imports, tables and their curves are paid for once.

A search may end this process, if its tuner does so: whoever asked finds the connection closed.
"""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from harness.cells import Cell
from harness.extensions import loading
from harness.records import line_of
from harness.search_types import Trial
from harness.stored_file_validation import checked
from harness.worker import __main__ as worker
from harness.worker.library_imports import keep_still, uncollected

# What tuners' adapters import, besides what a cell's own tuner does.
_IMPORTED = ("harness.worker.table_replay", "harness.tuners.keras_tuner", "harness.tuners.optuna")


def main(number: int, scratch: Path) -> None:
    """Answer each message until the other side closes the connection."""
    if not worker.is_bound_to_host():
        return
    worker.keep_litter_in(scratch)
    keep_still()
    with uncollected():
        _import_all()
    serve(Connection(number), scratch)


def serve(connection: Connection, scratch: Path) -> None:
    """Answer each message until the other side closes the connection."""
    while True:
        try:
            text = connection.recv_bytes()
        except EOFError:
            return
        for answer in _answered(text, scratch / "search"):
            connection.send_bytes(answer)


def _answered(text: bytes, scratch: Path) -> tuple[bytes, bytes]:
    from harness.worker import table_replay, tasks  # noqa: PLC0415 - imported while no garbage is collected

    started, trials = time.monotonic(), list[Trial]()
    # What a file of the user's own remembers is no other search's.
    loading.forget()
    try:
        cell = tasks.planned(checked(text, Cell, where="a cell"))
        outcome = table_replay.replay(cell, keep=trials.append, scratch=scratch, started=started)
        best_score = max(epoch.val_score for trial in trials for epoch in trial.epochs)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever a tuner raises
        return b"", b""
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return json.dumps({**outcome, "best_score": best_score}).encode(), b"".join(map(line_of, trials))


def _import_all() -> None:
    """Import what searches import; a tuner's library that isn't there is told by the search that needs it."""
    for name in _IMPORTED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
    worker.end(0)
