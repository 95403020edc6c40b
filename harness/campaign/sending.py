"""Finished searches sent to a store as they end, so that a host that is lost takes as little along as can be."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.campaign.events import CellEnds, Event, Remark, State, Watch, WaveBegins
from harness.errors import HarnessError, ResultsError
from harness.result_stores import PLAN, Store
from harness.results_folder import MatrixFolder


@dataclass(slots=True, kw_only=True)
class Sender:
    """Watches a run and sends what it finishes; what can't be sent by then is tried again at the end.

    Where results go into a folder and no store, it only passes on what happens.
    """

    store: Store | None
    folder: MatrixFolder
    watch: Watch
    trouble: str | None = field(default=None)

    def fetch(self) -> None:
        """Bring what other hosts have sent.

        Raises:
            ResultsError: The store holds a file that is not what was sent.
            MachineError: The store can't be reached.
        """
        if self.store is None:
            return
        refused = self.store.fetch(self.folder.path.name, replaces_unfinished=True)
        if refused:
            raise ResultsError("; ".join(refused))

    def __call__(self, event: Event) -> None:
        """Send what an event tells of, then tell it."""
        if self.store is not None:
            try:
                self._send(self.store, event)
            except HarnessError as error:
                self._tell(str(error))
        self.watch(event)

    def finish(self) -> str | None:
        """Send what is left; return why that can't be done, None where it was."""
        if self.store is None:
            return None
        try:
            for line in self.store.put(self.folder.path.name):
                self._tell(line)
            self.store.put_made(self.folder.path.name, only=PLAN)
        except HarnessError as error:
            return str(error)
        return None

    def _send(self, store: Store, event: Event) -> None:
        match event:
            case WaveBegins():
                store.put_made(self.folder.path.name, only=PLAN)
            case CellEnds(cell=cell, state=State.OK | State.FAILED):
                line = store.put_cell(self.folder, cell.id)
                if line is not None:
                    self._tell(line)
            case _:
                pass

    def _tell(self, line: str) -> None:
        # The same for each search would bury the rest.
        if line != self.trouble:
            self.watch(Remark(text=line))
        self.trouble = line
