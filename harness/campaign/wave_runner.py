"""A matrix's cells run into its folder: prepare what cells share, search each cell, seal its record."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.campaign import record_assembly, scheduling
from harness.campaign.cell_searches import Searches, damage, is_pending, state
from harness.campaign.events import CellBegins, CellEnds, Event, State, Watch, WaveBegins, ignore
from harness.campaign.replayed_searches import Replays
from harness.campaign.run_time_allowance import UNLIMITED, Allowance, AllowanceSpent
from harness.campaign.runs_at_work import Presence
from harness.campaign.shared_preparation import Preparations
from harness.campaign.time_left import Outlook
from harness.campaign.whole_cells import WholeCells
from harness.campaign.worker_attempts import Bench
from harness.cells import Cell
from harness.executors import WHOLE, Executor, Slot
from harness.results_folder import MatrixFolder


def _unknown(_cell: Cell) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs cells into one matrix folder through one executor, as many at once as there are slots."""

    folder: MatrixFolder
    executor: Executor
    cache: Path
    watch: Watch = ignore
    slots: Sequence[Slot] = (WHOLE,)
    allowance: Allowance = UNLIMITED
    forecast_s: Callable[[Cell], float | None] = _unknown
    outlook: Outlook = field(default_factory=Outlook)
    presence: Presence | None = None
    folder_gib: float = math.inf
    replay_slots: Sequence[Slot] = (WHOLE,)

    def run(self, cells: Sequence[Cell], *, retry_failed: bool) -> Counter[State]:
        """Run every cell that has no sealed record yet; return how many ended how, earlier ones included.

        A failed cell that is to be repeated keeps its record until its own search begins. Cells whose data or weights
        could not be prepared, through the machine's trouble or a crash, are missing; the others run. So do those beside
        a finished search whose files are damaged, which is told first, and is left as it is. What cells share is
        prepared before any search, by one worker after another that each have the first slot's GPU and all processors.
        Where the allowance ends, or doesn't reach for what the next cell is forecast to take, the rest is left for a
        later run (``State.LEFT``): cells behind it are not searched instead, as the cheap tuners alone would make a
        poor comparison.

        Raises:
            UserError: Data or weights turned out unusable; no search of this wave was begun.
        """
        # Two names may stand for the same bytes: then one search is both.
        distinct = scheduling.in_turns(list({cell.id: cell for cell in reversed(cells)}.values())[::-1])
        whole = WholeCells.of(self.folder)
        known = {cell.id: found for cell in distinct if (found := whole.state(cell)) is not None}
        pending = [cell for cell in distinct if self._is_pending(cell, known, retry_failed=retry_failed)]
        waiting = {cell.id for cell in pending}
        finished = [cell for cell in distinct if cell.id not in waiting]
        damaged = self._damaged([cell for cell in finished if cell.id not in known], whole)
        whole.keep()
        self.watch(WaveBegins(total=len(distinct), finished=len(finished) - len(damaged), outlook=self.outlook))
        for cell in finished:
            if cell.id in damaged:
                self._told(
                    CellEnds(cell=cell, state=State.MISSING, reason=damaged[cell.id], best_score=None, wall_s=0.0)
                )
        left = waiting - self._search(pending, whole)
        return Counter(self._state(cell, left=left, damaged=damaged, whole=whole) for cell in distinct)

    def _search(self, pending: Sequence[Cell], whole: WholeCells) -> set[str]:
        """Return the ids of the cells that came to an end before the allowance did."""
        bench = Bench(
            folder=self.folder,
            executor=self.executor,
            cache=self.cache,
            watch=self._told,
            presence=self.presence,
            folder_gib=self.folder_gib,
        )
        preparations = Preparations(bench=bench)
        searches = Searches(bench=bench, lost=preparations.lost)
        with suppress(AllowanceSpent):
            self._hand_out(pending, preparations, searches, whole)
        return searches.ended

    def _hand_out(
        self, pending: Sequence[Cell], preparations: Preparations, searches: Searches, whole: WholeCells
    ) -> None:
        alone = (self.slots[0].alone,)
        scheduling.run(preparations.due(pending), alone, desk=preparations, allowance=self.allowance)
        replays = Replays(bench=preparations.bench, slots=self.replay_slots, allowance=self.allowance)
        try:
            left = replays.run(pending, searches.ended, whole)
        finally:
            whole.keep()
        handed_out = searches.possible(left, self._is_affordable)
        scheduling.run(handed_out, self.slots, desk=searches, allowance=self.allowance)

    def _told(self, event: Event) -> None:
        # Replays are over before they are forecast.
        match event:
            case CellBegins(cell=cell) if cell.curves is None:
                self.outlook.begins(cell)
            case CellEnds(cell=cell, state=became, wall_s=wall_s) if cell.curves is None:
                self.outlook.ends(cell, wall_s=wall_s if became is State.OK else None)
            case _:
                pass
        self.watch(event)

    def _is_affordable(self, cell: Cell) -> bool:
        # Where nothing is limited, no earlier record is read for a forecast.
        return self.allowance is UNLIMITED or self.allowance.has_room_for(self.forecast_s(cell))

    def _is_pending(self, cell: Cell, known: Mapping[str, State], *, retry_failed: bool) -> bool:
        if cell.id in known:
            return retry_failed and known[cell.id] is State.FAILED
        folder = self.folder.cell(cell.id)
        folder.finish_setting_aside()
        return is_pending(folder, retry_failed=retry_failed)

    def _damaged(self, finished: Sequence[Cell], whole: WholeCells) -> dict[str, str]:
        """Return, by id, what is wrong with the files of finished cells; complete what a kill left of the others.

        Those are whole from then on.
        """
        found = {}
        for cell in finished:
            folder = self.folder.cell(cell.id)
            reason = damage(folder)
            if reason is not None:
                found[cell.id] = reason
                continue
            # A kill may have come between the sealing and the sweeping.
            record_assembly.sweep(folder)
            folder.rename(cell.names)
            whole.add(cell, state(folder))
        return found

    def _state(self, cell: Cell, *, left: Container[str], damaged: Container[str], whole: WholeCells) -> State:
        if cell.id in damaged:
            return State.MISSING
        return State.LEFT if cell.id in left else whole.state(cell) or state(self.folder.cell(cell.id))
