"""A clock that goes on only when it is told to: by recorded seconds, and by a tuner's real thinking."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from harness.search_types import Proposal, Trial, Tuner


class VirtualClock:
    """Seconds, and processor seconds beside them, from 0."""

    def __init__(self, *, thinking: Callable[[], float] | None = time.thread_time) -> None:
        """Measure thinking by the processor seconds of the thread that thinks; None: it takes no time.

        By a wall clock a tuner would be charged for whatever else the machine does.
        """
        self._measure = thinking
        self._seconds = 0.0
        self._cpu_s = 0.0

    def __call__(self) -> float:
        """Return the seconds that have passed."""
        return self._seconds

    def cpu_s(self) -> float:
        """Return the processor seconds that were used."""
        return self._cpu_s

    def advance(self, seconds: float, *, cpu_s: float = 0.0) -> None:
        """Let time pass."""
        self._seconds += seconds
        self._cpu_s += cpu_s

    def thinking(self) -> AbstractContextManager[None]:
        """Let as much time pass as the block takes."""
        return nullcontext() if self._measure is None else _Thinking(self, self._measure)


class _Thinking:
    """A block that is thought in; a class, as a replayed search enters thousands, and a generator takes longer."""

    __slots__ = ("_began", "_clock", "_measure")

    def __init__(self, clock: VirtualClock, measure: Callable[[], float]) -> None:
        self._clock = clock
        self._measure = measure
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = self._measure()

    def __exit__(self, *_: object) -> None:
        took_s = self._measure() - self._began
        self._clock.advance(took_s, cpu_s=took_s)


class ThinkingTuner:
    """A tuner whose thinking lets a virtual clock go on."""

    def __init__(self, tuner: Tuner, clock: VirtualClock) -> None:
        self._tuner = tuner
        self._clock = clock

    def ask(self) -> Proposal | None:
        """Return the tuner's next proposal."""
        with self._clock.thinking():
            return self._tuner.ask()

    def report(self, proposal: Proposal, epoch: int, score: float) -> bool:
        """Return the tuner's answer."""
        with self._clock.thinking():
            return self._tuner.report(proposal, epoch, score)

    def tell(self, trial: Trial) -> None:
        """Tell the tuner."""
        with self._clock.thinking():
            self._tuner.tell(trial)
