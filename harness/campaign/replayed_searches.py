"""Searches that replay recorded curves, many to a process; each is put on the disk at its end, whole."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import Field

from harness.campaign import record_assembly
from harness.campaign.events import CellBegins, CellEnds, State
from harness.campaign.record_assembly import Beside
from harness.campaign.run_time_allowance import UNLIMITED, Allowance
from harness.campaign.whole_cells import WholeCells
from harness.campaign.worker_attempts import Bench
from harness.cells import Cell
from harness.executors import Ended, Slot, replay_processes
from harness.executors.replay_processes import ReplayAnswer, ReplayAsked
from harness.record_schema import Score, WorkerOutcome
from harness.stored_file_validation import checked


class ReplayOutcome(WorkerOutcome):
    """What a replay's process knew of its end, and the best validation score."""

    best_score: Score = Field()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """Has cells replayed in as many processes as there are slots."""

    bench: Bench
    slots: Sequence[Slot]
    allowance: Allowance = UNLIMITED

    def run(self, cells: Sequence[Cell], ended: set[str], whole: WholeCells) -> list[Cell]:
        """Search the cells that replay curves; add to ``ended`` and ``whole`` what ends well, and return all others.

        These are to be searched one by one, each in a process of its own, which tells why it fails: what isn't to be
        replayed, what has files from an earlier run, and what didn't end well.

        Raises:
            AllowanceSpent: The allowance was used up; what was at work is lost, and can be replayed again.
        """
        together = {cell.id: cell for cell in cells if cell.curves is not None and not self._has_files(cell)}
        aside = self.bench.folder.path / "replaying"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            asked = (ReplayAsked(cell.id, cell.model_dump_json().encode()) for cell in together.values())
            for answer in replay_processes.answers(asked, self.slots, check=self.allowance.check):
                if answer.outcome:
                    self._put(together[answer.name], answer, aside)
                    ended.add(answer.name)
                    whole.add(together[answer.name], State.OK)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return [cell for cell in cells if cell.id not in ended]

    def _has_files(self, cell: Cell) -> bool:
        return self.bench.folder.cell(cell.id).path.exists()

    def _put(self, cell: Cell, answer: ReplayAnswer, aside: Path) -> None:
        said = checked(answer.outcome, ReplayOutcome, where=f"{cell.id}: what its process said")
        ended = Ended(exit_code=0, signal=None, wall_s=said.lived_s or 0.0)
        beside = Beside(
            trials=answer.trials.count(b"\n"),
            trials_sha256=hashlib.sha256(answer.trials).hexdigest(),
            attempts=1,
            began_at=said.started_at,
        )
        record = record_assembly.of_outcome(cell, said, ended, beside=beside, slot=answer.slot)
        attempt = {"program": "replay", "began_at": said.started_at, **asdict(ended), "reason": None}
        folder = self.bench.folder.cell(cell.id)
        folder.put(cell, record, trials=answer.trials, attempt=attempt, aside=aside / cell.id)
        self.bench.watch(CellBegins(cell=cell))
        self.bench.watch(
            CellEnds(cell=cell, state=State.OK, reason=None, best_score=said.best_score, wall_s=ended.wall_s)
        )
