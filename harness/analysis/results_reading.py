"""From a matrix's folder to one ``SearchResult`` for every planned cell, whatever became of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from harness.analysis.costs import Cost
from harness.analysis.findings_cache import FindingsCache
from harness.analysis.incumbent_curves import Step
from harness.analysis.search_findings import Findings, Tried
from harness.catalogue.tuners import RANDOM
from harness.cells import Asked, CurvesTable, Domains
from harness.errors import ResultsError
from harness.matrix_schema import EQUIVALENCE
from harness.meters import busyness
from harness.record_schema import EnvironmentTable
from harness.records import CellFolder, Record
from harness.results_folder import MatrixFolder, Planned, SearchName
from harness.score_names import name_of_all
from harness.search_types import Parameters, Trial

Found = TypeVar("Found")


class Status(StrEnum):
    """What became of a planned cell."""

    OK = "ok"  # searched to its end
    FAILED = "failed"  # the search itself broke: a result
    MISSING = "missing"  # no record that can be read


# No slots: trials are kept once they were asked for.
@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """One planned cell and what its files say.

    ``reason`` says why a cell failed or is missing. ``findings`` is None where it is missing; then ``record`` and
    ``cost`` are None too, and ``trials``, ``tried``, ``curve`` and ``phases`` are empty.
    """

    planned: Planned
    status: Status
    folder: CellFolder
    reason: str | None = None
    findings: Findings | None = None

    @property
    def record(self) -> Record | None:
        """The sealed record."""
        return None if self.findings is None else self.findings.record

    @cached_property
    def training_seed(self) -> int:
        """The seed of its trainings: the recorded one where they are replayed, its own where they were its own."""
        return self.planned.seed if self._curves is None else self._curves.seed

    @property
    def is_replayed(self) -> bool:
        """Whether its trials were looked up in recorded curves."""
        return self._curves is not None

    @property
    def _curves(self) -> CurvesTable | None:
        return None if self.record is None else self.record.cell.curves

    @property
    def cost(self) -> Cost | None:
        """What the search spent."""
        return None if self.findings is None else self.findings.cost

    @property
    def total_s(self) -> float | None:
        """The seconds of the whole process from its start to its end, measured from outside.

        None where there were several processes: a record holds the trials of all, but the seconds of the last alone.
        """
        return None if self.record is None or self.record.attempts > 1 else self.record.wall_s

    @property
    def phases(self) -> Mapping[str, float]:
        """The seconds of each phase of the whole process: before the first ask, trials, and after the last tell."""
        return {} if self.findings is None else self.findings.phases

    @property
    def curve(self) -> tuple[Step, ...]:
        """The incumbents in order of time."""
        return () if self.findings is None else self.findings.curve

    @cached_property
    def tried(self) -> tuple[Tried, ...]:
        """The trials, a line for each: parameters, outcome, score and cost."""
        return () if self.findings is None else self.findings.tried

    @cached_property
    def _worked_out(self) -> dict[Hashable, Any]:
        return {}

    def once(self, key: Hashable, work_out: Callable[[], Found]) -> Found:
        """Return what ``work_out`` makes of the search; kept under ``key``, as every table asks for the same."""
        if key not in self._worked_out:
            self._worked_out[key] = work_out()
        found: Found = self._worked_out[key]
        return found

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """The trials with every epoch, read from the disk when first asked for: of thousands of searches, slow."""
        return () if self.findings is None else tuple(self.folder.trials())

    @property
    def incumbent(self) -> Step | None:
        """The epoch with the best validation score; None where no epoch was ever scored."""
        return self.curve[-1] if self.curve else None

    @property
    def val_score(self) -> float | None:
        """The incumbent's validation score: what the search believes in."""
        return self.curve[-1].val_score if self.curve else None

    @property
    def test_score(self) -> float | None:
        """The score on images that no tuner saw, of the epoch that became the incumbent."""
        return self.curve[-1].test_score if self.curve else None

    @property
    def gap_score(self) -> float | None:
        """What selection overrates: validation minus test score of the incumbent; None without both."""
        both = self.val_score, self.test_score
        return None if both[0] is None or both[1] is None else both[0] - both[1]

    @property
    def best(self) -> Parameters:
        """The incumbent's parameters; empty where there is no incumbent."""
        return {} if self.findings is None else self.findings.best

    @property
    def disturbance(self) -> str | None:
        """What makes the search's seconds untrustworthy, in words; None where nothing is known to."""
        return None if self.record is None else busyness.disturbance(self.record.busyness)

    @property
    def is_disturbed(self) -> bool:
        """Whether the search's seconds aren't to be trusted (``harness.meters.busyness``)."""
        return self.disturbance is not None

    @cached_property
    def tuner(self) -> str | None:
        """What the tuner is, as ``kt-random``, whatever the matrix calls it; None where unknown."""
        return None if self.asked.tuner is None else self.asked.tuner.tuner

    @property
    def is_random(self) -> bool:
        """Whether the tuner is random search, of which any order of trials was as likely as that which happened."""
        return self.tuner in RANDOM

    @property
    def metric(self) -> str | None:
        """What tuners maximise, as the protocol has it; None where unknown."""
        return self.asked.metric

    @property
    def environment(self) -> EnvironmentTable:
        """The facts of the machine and its packages; none where there is no record."""
        return self.record.environment if self.record is not None else EnvironmentTable()

    @property
    def asked(self) -> Asked:
        """What the recorded cell asked for; nothing where there is no record."""
        return self.record.cell if self.record is not None else Asked()

    @property
    def domains(self) -> Domains:
        """The domains of the hyperparameters, by name; none where unknown."""
        return self.asked.domains or {}


# Results are told apart by identity, because comparing thousands of searches is never what is meant.
@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixResults:
    """Every planned cell in the order of the plan; ``left_out`` counts cells on the disk that no plan asks for.

    ``equivalence`` is the difference in score that the matrix declares to make no practical one.
    """

    cells: tuple[SearchResult, ...]
    left_out: int = 0
    equivalence: float = EQUIVALENCE

    @cached_property
    def searches(self) -> tuple[SearchResult, ...]:
        """The searches."""
        return tuple(cell for cell in self.cells if cell.planned.role == "search")

    @cached_property
    def metric(self) -> str | None:
        """What the tuners maximise, as the protocol has it; None where no record tells."""
        return next((cell.metric for cell in self.cells if cell.metric is not None), None)

    @cached_property
    def score(self) -> str:
        """What the score of the cells is called, as ``macro-F1``."""
        return name_of_all(cell.metric for cell in self.cells)

    @cached_property
    def retrainings(self) -> tuple[SearchResult, ...]:
        """The retrainings of the best configurations at multiples of their learning rates."""
        return tuple(cell for cell in self.cells if cell.planned.role == "learning_rate")


def read(folder: MatrixFolder, *, equivalence: float = EQUIVALENCE) -> MatrixResults:
    """Return what is known of every cell in the folder's plan; one planned under two names stands under both.

    What was found is kept in the folder, so that a later read opens only the files that have changed. A record or
    trial that can't be read makes its cell missing, with the reason; it never stops the others.

    Raises:
        ResultsError: The folder has no plan.
    """
    planned = dict.fromkeys(folder.plan())
    names: dict[str, list[Planned]] = {}
    for line in planned:
        names.setdefault(line.id, []).append(line)
    with _without_collecting():
        cache = FindingsCache(folder.derived)
        cells = tuple(_search(cell, folder.cell(cell.id), cache, names[cell.id]) for cell in planned)
    cache.save()
    left_out = len(set(folder.cell_ids()) - {cell.id for cell in planned})
    return MatrixResults(cells=cells, left_out=left_out, equivalence=equivalence)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Make many objects that all stay: looking through them for garbage again and again takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _search(planned: Planned, folder: CellFolder, cache: FindingsCache, named: Sequence[Planned]) -> SearchResult:
    try:
        found = cache.findings(planned.id, folder)
        if found is not None:
            _check_called(found.called, named, folder)
    except ResultsError as error:
        return SearchResult(planned=planned, status=Status.MISSING, folder=folder, reason=f"unreadable: {error}")
    if found is None:
        reason = planned.reason or _why_missing(folder)
        return SearchResult(planned=planned, status=Status.MISSING, folder=folder, reason=reason)
    done = found.record.status == "completed"
    return SearchResult(
        planned=planned,
        status=Status.OK if done else Status.FAILED,
        folder=folder,
        reason=None if done else found.record.reason or "the record gives no reason",
        findings=found,
    )


def _check_called(called: Mapping[str, Any] | None, named: Sequence[Planned], folder: CellFolder) -> None:
    """Raise ResultsError where none of the plan's lines for a cell calls it what its own file does."""
    if called is None or any(called == {name: getattr(line, name) for name in called} for line in named):
        return
    own = SearchName(**{name: called[name] for name in SearchName._fields})
    told = " and ".join(f"{line.name} (group {line.group})" for line in named)
    raise ResultsError(
        f"{folder.path / 'cell.json'}: of {own} (group {called.get('group')}), which plan.json has as {told}; "
        "run the matrix again to write both anew"
    )


def _why_missing(folder: CellFolder) -> str:
    try:
        attempts = folder.attempts()
    except ResultsError as error:
        return f"no record, and {error}"
    if not attempts:
        return "not run yet"
    why = attempts[-1].reason or "no reason was noted"
    if len(attempts) == 1:
        return f"no record after an attempt: {why}"
    return f"no record after {len(attempts)} attempts; the last: {why}"
