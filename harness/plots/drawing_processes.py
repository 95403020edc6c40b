"""Who draws: this process or, where there is much to draw, two more that get ready while the records are read."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from harness.results_folder import MatrixFolder

Work = Callable[[], list[Path]]
"""Draws one or more pictures and returns their paths."""

Begin = Callable[[Sequence[Work]], Work]
"""Begins the works, and returns what waits for them, or does them, in their order."""

_MOST_PROCESSES = 2
# Fewer groups are drawn sooner than two processes have started.
_MANY_GROUPS = 4


def here(works: Sequence[Work]) -> Work:
    """Put the works off until they are waited for, and draw in this process."""
    return lambda: [path for work in works for path in work()]


@contextmanager
def drawers(folder: MatrixFolder) -> Iterator[Begin]:
    """Give what draws the pictures of the planned groups: other processes for many, this one for few.

    Raises:
        ResultsError: The folder has no plan.
    """
    # Matplotlib keeps its list of fonts, and would in somebody's home.
    os.environ.setdefault("MPLCONFIGDIR", str(folder.derived.parent / "matplotlib"))
    _quieten()
    groups = len({cell.name.group for cell in folder.plan()})
    processes = min(_MOST_PROCESSES, os.cpu_count() or 1)
    if groups < _MANY_GROUPS or processes == 1 or not hasattr(signal, "pthread_sigmask"):
        yield here
        return
    # Spawned, because a fork of a process with threads, which polars and numpy start, may hang.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_get_ready)
    try:
        _start(pool, processes)
        yield lambda works: _begin(pool, works)
    finally:
        pool.shutdown(cancel_futures=True)


def _start(pool: ProcessPoolExecutor, processes: int) -> None:
    # They inherit what is blocked, so that Ctrl-C finds none of them half way into Python, where it writes a traceback.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        # A pool starts a process with each of its first works.
        for _ in range(processes):
            pool.submit(_nothing)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(pool: ProcessPoolExecutor, works: Sequence[Work]) -> Work:
    # Pickled here: the pool would do it in a thread of its own, while this one goes on to change what is pickled.
    begun = [pool.submit(_draw, pickle.dumps(work)) for work in works]
    return lambda: [path for each in begun for path in each.result()]


def _draw(pickled: bytes) -> list[Path]:
    work: Work = pickle.loads(pickled)  # noqa: S301 - from this program itself
    return work()


def _nothing() -> None:
    pass


def _quieten() -> None:
    # A folder that it can't write to is told in two long lines, before the harness says in one what the disk refuses.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def _get_ready() -> None:
    """End at Ctrl-C without a word, which is up to the process that waits; import what takes a second."""
    _quieten()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    import matplotlib.backends.backend_agg  # noqa: PLC0415 - for the other processes alone
    import matplotlib.backends.backend_svg  # noqa: F401, PLC0415 - see above
