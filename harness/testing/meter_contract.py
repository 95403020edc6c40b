"""What every meter promises: see docs/add-a-meter.md."""

from __future__ import annotations

import time

from harness.meters import own_meter
from harness.meters.own_meter import OwnCounter

READINGS = 5
MOST_READING_S = 0.5


class MeterContract:
    """What every meter promises; derive from it in a test file, and define ``create``."""

    def create(self) -> object:
        """Return a new meter, as the file's ``create`` does."""
        raise NotImplementedError

    def test_it_says_what_its_joules_are_of_and_reads_some(self) -> None:
        """A first reading that is none may be the sensor's bad moment; five are the meter's."""
        counter = self._made()

        assert any(counter.judged_j() is not None for _ in range(READINGS))

    def test_joules_never_fall(self) -> None:
        """Trials have the differences of two readings each."""
        counter = self._made()

        for _ in range(READINGS):
            # It raises where they do.
            counter.judged_j()

    def test_reading_is_quick(self) -> None:
        """It is charged to no search, but each trial waits for it."""
        counter = self._made()
        began = time.monotonic()

        for _ in range(READINGS):
            counter.judged_j()

        assert (time.monotonic() - began) / READINGS < MOST_READING_S

    def test_another_search_makes_another(self) -> None:
        """Each search has a meter of its own, in a process of its own; one that was read goes on."""
        first, other = self._made(), self._made()

        for counter in (other, first):
            counter.judged_j()

    def _made(self) -> OwnCounter:
        return own_meter.counter_of(self.create(), origin="create")
