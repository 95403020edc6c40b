"""What happens in a run, told to whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from harness.campaign.time_left import Outlook
from harness.campaign.worker_progress import Progress
from harness.cells import Cell
from harness.record_schema import DataTable


class State(StrEnum):
    """What became of a cell."""

    OK = "ok"
    FAILED = "failed"  # the search's own end: a result
    MISSING = "missing"  # the machine's trouble: no result
    LEFT = "left"  # for a later run: the allowance had no room for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something that is good to know before the cells run, as where they will run; one line."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """Cells can't run here, as their data or weights are out of reach: a line for each reason."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveBegins:
    """A wave of cells begins: the searches, then the retrainings that follow from them.

    ``finished`` of the ``total`` cells are kept from earlier runs. ``outlook`` tells, now and later, the time left.
    """

    total: int
    finished: int
    outlook: Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationBegins:
    """Data, and frozen layers' activations, that this cell shares with others begin to be computed."""

    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKnown:
    """What a data set came to is known: told once for each data set, before the first of its cells begins.

    ``facts`` are the numbers of images, in all and per class, and what was left out, as records have them.
    """

    dataset: str
    facts: DataTable


@dataclass(frozen=True, slots=True, kw_only=True)
class CellBegins:
    """A cell's worker starts."""

    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnds:
    """A running cell has finished another epoch."""

    cell: Cell
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEnds:
    """A cell's worker has ended, ``wall_s`` seconds after it was started.

    ``reason`` says why where the state is not ``OK``; ``best_score`` is the best validation score, None without any.
    """

    cell: Cell
    state: State
    reason: str | None
    best_score: float | None
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CellDisturbed:
    """The cell that ended shared its processors with other programs; its seconds aren't to be trusted."""

    cell: Cell
    by: str


Event = (
    Remark
    | Unreachable
    | WaveBegins
    | PreparationBegins
    | DataKnown
    | CellBegins
    | EpochEnds
    | CellEnds
    | CellDisturbed
)
"""Anything of the above."""

Watch = Callable[[Event], None]
"""Told of each event as it happens, in the thread that runs; what it raises ends the run as an interrupt does."""


def ignore(_: Event) -> None:
    """Watch nothing."""
