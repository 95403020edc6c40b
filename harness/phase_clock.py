"""Where the seconds went: every moment belongs to exactly one phase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

PHASES = (
    "startup",  # process start and imports
    "data",  # reading images, features and weights; shared preparation
    "build",  # building and tracing the model, off the clock whenever it happens
    "replay",  # telling a tuner what an interrupted search had found
    "ask",  # the tuner proposes
    "train",  # the device trains
    "evaluate",  # the device scores validation images
    "tell",  # the tuner takes scores and outcomes
    "checkpoint",  # weights and trials to the disk
    "audit",  # test images, off the clock
    "meter",  # CPU seconds and joules are read, off the clock: a user's own meter may take its time
    "shutdown",  # the process ends
    "other",  # everything else
)
_KNOWN = frozenset(PHASES)
THINKING = ("ask", "tell")
DEVICE = ("train", "evaluate")
BUILD = ("build",)
# See docs/decisions/009-builds-are-not-charged.md.
_PAUSING = ("audit", *BUILD)
OFF_THE_CLOCK = ("meter", *_PAUSING)


class Ledger:
    """Books seconds to phases; time outside every ``phase`` block is ``other``.

    Blocks may nest: the inner phase's seconds are its own and not the outer one's, so the phases always sum to the
    wall clock.
    """

    def __init__(self, *, clock: Callable[[], float], started: float) -> None:
        """Begin at ``started``, a reading of ``clock``; the time until now is the start-up."""
        self._clock = clock
        self._mark = started
        self._current = "startup"
        self._seconds: dict[str, float] = {}
        self._paused: Callable[[], AbstractContextManager[None]] = nullcontext
        self.switch("other")

    def pause(self, paused: Callable[[], AbstractContextManager[None]]) -> None:
        """From now on hold what ``paused`` returns open in every phase that is off the clock, but ``meter``."""
        self._paused = paused

    def phase(self, name: str) -> AbstractContextManager[None]:
        """Book the block's seconds to ``name``."""
        if name not in _KNOWN:
            raise ValueError(f"unknown phase {name!r}; known are {', '.join(PHASES)}")
        pauses = name in _PAUSING and self._current not in OFF_THE_CLOCK
        return self._pausing(name) if pauses else _Block(self, name)

    @contextmanager
    def _pausing(self, name: str) -> Iterator[None]:
        with _Block(self, name), self._paused():
            yield

    def booked(self, *names: str) -> float:
        """Return the seconds of these phases since the last ``take``, the running one included."""
        self.switch(self._current)
        return sum(self._seconds.get(name, 0.0) for name in names)

    def book(self, name: str, seconds: float) -> None:
        """Add seconds that an earlier ``take`` had returned."""
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    def take(self) -> dict[str, float]:
        """Return the seconds of every phase since the last ``take``, and begin anew."""
        self.switch(self._current)
        taken, self._seconds = self._seconds, {}
        return {name: taken[name] for name in PHASES if name in taken}

    def switch(self, name: str) -> str:
        """Book what comes next to ``name``; return what the seconds until now were booked to."""
        now, before = self._clock(), self._current
        self._seconds[before] = self._seconds.get(before, 0.0) + now - self._mark
        self._mark, self._current = now, name
        return before


class _Block:
    """A block of one phase; a class, as a replayed search enters thousands, and a generator takes longer."""

    __slots__ = ("_ledger", "_name", "_outer")

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger = ledger
        self._name = name
        self._outer = name

    def __enter__(self) -> None:
        self._outer = self._ledger.switch(self._name)

    def __exit__(self, *_: object) -> None:
        self._ledger.switch(self._outer)


def on_the_clock(phases: dict[str, float]) -> float:
    """Return the seconds that a search is charged for: all but builds, the audit and the reading of meters."""
    return sum(seconds for name, seconds in phases.items() if name not in OFF_THE_CLOCK)
