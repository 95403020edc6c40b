"""A meter of joules of the user's own, in a Python file or an installed package that the matrix names."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol, cast

from harness.errors import HarnessError, UserError, reason
from harness.extensions import METER, Found, loading

# Beyond it a float no longer tells one joule from the next by much, and no trial's line may hold more.
_MOST_J = 1e15

log = logging.getLogger(__name__)


class OwnMeter(Protocol):
    """What the user's ``create`` returns."""

    covers: str
    """Words for what its joules are of."""

    def read_j(self) -> float | None:
        """Return joules since some moment, never fewer than before; None where that can't be read now."""
        ...


@dataclass(slots=True, kw_only=True)
class OwnCounter:
    """Passes on what a meter reads if it is joules; ``reason`` says why the last that was none wasn't."""

    meter: OwnMeter
    covers: str
    origin: str
    reason: str | None = None
    _last_j: float = 0.0

    def read_j(self) -> float | None:
        """Return joules; None where the meter reads none, whatever it did instead."""
        joules, why = None, f"{self.origin}: read_j returned None"
        try:
            joules = self.judged_j()
        except UserError as error:
            why = str(error)
        if joules is None:
            self._note(why)
        return joules

    def judged_j(self) -> float | None:
        """Return joules, or None where they can't be read now.

        Raises:
            UserError: What was read is no joules, or fewer than before.
        """
        try:
            found = self.meter.read_j()
        except Exception as error:
            raise UserError(f"{self.origin}: read_j raised {_told(error)}") from error
        if found is None:
            return None
        joules, before = _checked(found, origin=self.origin), self._last_j
        self._last_j = joules
        if joules < before:
            raise UserError(f"{self.origin}: read_j fell from {before:g} to {joules:g}, and joules only grow")
        return joules

    def _note(self, why: str) -> None:
        if why != self.reason:
            log.warning("%s: the joules of a trial stay unknown", why)
        self.reason = why


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEnergy:
    """Where trials' joules come from: a user's counter, or None and the ``reason``; ``meter`` is what it is called."""

    counter: OwnCounter | None
    meter: str
    reason: str | None = None

    @property
    def facts(self) -> dict[str, float | str | None]:
        """What a record says of it: what a counter of the harness's own says, and whose this is."""
        if self.counter is None:
            return {"value": None, "reason": self.reason, "covers": None, "meter": self.meter}
        return {"value": 0.0, "reason": self.counter.reason, "covers": self.counter.covers, "meter": self.meter}


def of_own(file: Found, *, at_once: int = 1) -> OwnEnergy:
    """Return the energy that the user's meter counts.

    Unknown where it can't be made: no search is lost for it. Unknown, too, where several cells are ``at_once`` under
    way: all of it for each of them would count every joule so many times.

    Raises:
        MachineError: The file or package isn't what it was when the cell was planned.
    """
    origin = loading.called(file)
    if at_once > 1:
        return OwnEnergy(counter=None, meter=origin, reason=f"{at_once} cells at once share what {origin} reads")
    try:
        return OwnEnergy(counter=create(file), meter=origin)
    except UserError as error:
        log.warning("%s: the joules of the search stay unknown", error)
        return OwnEnergy(counter=None, meter=origin, reason=str(error))


def create(file: Found) -> OwnCounter:
    """Return the counter of the meter that the user's ``create`` makes; it was read once.

    Raises:
        UserError: It can't be made, or is no meter.
        MachineError: The file or package isn't what it was when the cell was planned.
    """
    origin = loading.called(file)
    try:
        made = loading.maker(METER, file)()
    except HarnessError:
        raise
    except Exception as error:
        raise UserError(f"{origin}: making the meter raised {_told(error)}") from error
    return counter_of(made, origin=origin)


def counter_of(made: object, *, origin: str) -> OwnCounter:
    """Return the counter of what the user's ``create`` returned, once it was read.

    Raises:
        UserError: It is no meter; the line begins with ``origin``.
    """
    if not callable(getattr(made, "read_j", None)):
        raise UserError(f"{origin}: what create returns has no read_j; {METER.guide} shows one")
    covers = getattr(made, "covers", None)
    if not isinstance(covers, str) or not covers.strip():
        raise UserError(f"{origin}: what create returns has no covers, words for what its joules are of")
    counter = OwnCounter(meter=cast("OwnMeter", made), covers=" ".join(covers.split()), origin=origin)
    counter.judged_j()
    return counter


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {reason(error)}"


def _checked(found: object, *, origin: str) -> float:
    try:
        joules = float(found)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{origin}: read_j returned {type(found).__name__}, no number") from error
    # Written so that NaN, of which every comparison is false, is refused too.
    if not 0 <= joules <= _MOST_J:
        raise UserError(f"{origin}: read_j returned {joules:g}, and joules are from 0 to {_MOST_J:g}")
    return joules
