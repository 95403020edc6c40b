"""Cells handed to free slots, one each: a single thread waits for all that are at work."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import Protocol

from harness.campaign.run_time_allowance import UNLIMITED, Allowance
from harness.campaign.worker_attempts import Work, WorkerEnd
from harness.campaign.worker_progress import Progress
from harness.cells import Cell
from harness.executors import Slot

# Between two looks at each of those at work.
POLL_S = 0.1


class Desk(Protocol):
    """Whoever has the work done."""

    def work(self, cell: Cell, slot: Slot) -> Work:
        """Return what is to be done for a cell on a slot; it is begun after that."""
        ...

    def advances(self, cell: Cell, progress: Progress) -> None:
        """Take note of another epoch."""
        ...

    def ends(self, work: Work, left: WorkerEnd) -> None:
        """Take in what was done."""
        ...


def run(cells: Iterable[Cell | None], slots: Sequence[Slot], *, desk: Desk, allowance: Allowance = UNLIMITED) -> None:
    """Have each cell's work done, begun in their order, as many at once as there are slots.

    A cell is taken from ``cells`` when a slot is free for it, and not before: who ends that iteration ends the handing
    out, and None in it puts that off to the next look. Whatever is raised meanwhile, an interrupt or a bug, first stops
    all that are at work.

    Raises:
        AllowanceSpent: The allowance was used up; what was at work has been stopped, its finished trials kept.
    """
    waiting, free, at_work = iter(cells), deque(slots), list[Work]()
    with _all_stopped_on_the_way_out(at_work):
        while True:
            allowance.check()
            is_over = _fill(free, waiting, at_work, desk)
            if not at_work:
                if is_over:
                    return
                time.sleep(POLL_S)
            for work in tuple(at_work):
                left = work.poll(POLL_S / len(at_work))
                if left is None:
                    _show(work, desk)
                    continue
                at_work.remove(work)
                free.append(work.slot)
                desk.ends(work, left)


def in_turns(cells: Sequence[Cell]) -> list[Cell]:
    """Return ``cells`` with the tuners of each seed and group in an order of their own, balanced over the seeds.

    The orders are the rows of ``williams``, which the seeds of a group take one after another, and the next group goes
    on where they end. A machine that grows slower, by heat for example, or what one search leaves to the next, a warm
    cache, would otherwise always meet the same tuners.
    """
    seeds = list(dict.fromkeys(cell.seed for cell in cells))
    groups = list(dict.fromkeys(cell.group for cell in cells))
    ordered: list[Cell] = []
    for (seed, group), together in groupby(cells, key=lambda cell: (cell.seed, cell.group)):
        tuners = list(together)
        rows = williams(len(tuners))
        row = rows[(groups.index(group) * len(seeds) + seeds.index(seed)) % len(rows)]
        ordered += [tuners[place] for place in row]
    return ordered


def williams(size: int) -> list[tuple[int, ...]]:
    """Return orders of the numbers below ``size``, balanced for place and for what comes right before.

    Of an even ``size`` there are as many rows: each number stands once in each place, and right after each other one
    once. Of an odd one there are twice as many, and each of it happens twice (Williams, *Australian Journal of
    Scientific Research* A 2, 1949). Each second row is the one before it backwards, so that any two of them cancel a
    steady drift, and few rows have no number after the same one again and again.
    """
    zigzag = [(step + 1) // 2 if step % 2 else -(step // 2) for step in range(size)]
    shifts = range(size if size % 2 else size // 2)
    rows = [tuple((place + shift) % size for place in zigzag) for shift in shifts]
    return [order for row in rows for order in (row, row[::-1])]


def _fill(free: deque[Slot], waiting: Iterator[Cell | None], at_work: list[Work], desk: Desk) -> bool:
    """Begin what there are slots for; return whether nothing is left to be handed out."""
    while free:
        try:
            cell = next(waiting)
        except StopIteration:
            return True
        if cell is None:
            break
        work = desk.work(cell, free.popleft())
        # Known as at work before it is, so that no worker is ever unknown.
        at_work.append(work)
        work.begin()
    return False


def _show(work: Work, desk: Desk) -> None:
    latest = work.latest()
    if latest is not None:
        desk.advances(work.cell, latest)


@contextmanager
def _all_stopped_on_the_way_out(at_work: list[Work]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # A stack, so that a second interrupt, while one is being stopped, leaves none of the others at work.
        with ExitStack() as stack:
            for work in at_work:
                stack.callback(work.stop)
        raise
