"""What creeps: change points in the history of nightly runs."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.compare.history import Night
from harness.compare.measures import MEASURES, Measure
from harness.errors import UserError
from harness.reports import numerals
from harness.reports.report_types import Report, TableSection
from harness.text_sanitising import counted

FEWEST_NIGHTS = 28
"""With fewer the spread of a night is too uncertain for the penalty to keep what it promises."""

_SHORTEST = 5
_PENALTY = 3.0
_SHARE_OF_MINIMUM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A measure that stands on another level than it began on: ``since`` is the first night of the last level.

    ``change`` is how much worse the last level is than the first, on the scale of ``Measure.change``.
    """

    measure: Measure
    where: str
    since: Night
    nights: int
    before: float
    now: float
    change: float

    @property
    def is_worse(self) -> bool:
        """Whether the last level is worse than the first by at least half of what counts in a comparison."""
        return self.change >= _SHARE_OF_MINIMUM * self.measure.least


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A measure of a part of the matrix, night by night; ``values`` are as they were measured."""

    measure: Measure
    where: str
    values: Sequence[float]

    @property
    def scaled(self) -> list[float]:
        """The values on the scale of ``Measure.change``: logarithms of costs."""
        return [math.log(value) for value in self.values] if self.measure.is_ratio else list(self.values)

    def levels(self, starts: Sequence[int]) -> list[float]:
        """Return the mean of each level, that of costs geometric, where new ones begin at ``starts``."""
        scaled = self.scaled
        means = [statistics.fmean(scaled[a:b]) for a, b in zip([0, *starts], [*starts, len(scaled)], strict=True)]
        return [math.exp(mean) for mean in means] if self.measure.is_ratio else means

    def change(self, starts: Sequence[int]) -> float:
        """Return how much worse the last level is than the first, on the scale of ``Measure.change``."""
        levels = self.levels(starts)
        return self.measure.change(levels[0], levels[-1])

    def is_worse(self, starts: Sequence[int]) -> bool:
        """Whether that is at least half of what counts in a comparison."""
        return self.change(starts) >= _SHARE_OF_MINIMUM * self.measure.least


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What was found in the newest ``nights`` that are alike.

    The ``earlier`` ones were another machine's; ``before`` counts those before ``since``, which were left out.
    """

    nights: int
    earlier: int
    since: dt.date | None
    before: int
    series: int
    shifts: Sequence[Shift]

    @property
    def worse(self) -> list[Shift]:
        """The shifts for the worse."""
        return [shift for shift in self.shifts if shift.is_worse]

    @property
    def is_too_short(self) -> bool:
        """Whether there are too few nights to find anything."""
        return self.nights < FEWEST_NIGHTS


def find(nights: Sequence[Night], *, since: dt.date | None = None) -> Drift:
    """Look for change points in every measure and part of the newest nights that share machine and requests.

    Nights before ``since`` are left out; at least one is needed after that.

    The method is PELT (Killick, Fearnhead and Eckley 2012, doi 10.1080/01621459.2012.737745) as ``ruptures`` has it,
    for a shift of the mean, on logarithms of costs and on scores, each divided by the spread that its differences from
    night to night show (von Neumann 1941). The penalty is 3 · ln(nights · series); a level lasts at least five nights.
    """
    asked = [night for night in nights if since is None or night.date >= since]
    alike = [night for night in asked if night.like == asked[-1].like]
    series = series_of(alike)
    found = [_shift(one, alike, len(series)) for one in series]
    shifts = [shift for shift in found if shift is not None]
    return Drift(
        nights=len(alike),
        earlier=len(asked) - len(alike),
        since=since,
        before=len(nights) - len(asked),
        series=len(series),
        shifts=shifts,
    )


def change_points(values: Sequence[float], *, series: int) -> list[int]:
    """Return where each new level begins, as indices; ``series`` is how many such lists are looked at together."""
    import numpy as np  # noqa: PLC0415 - slow to import, and few commands look for drift

    spread = float(np.sqrt(np.mean(np.diff(values) ** 2) / 2))
    if spread == 0:
        return []
    column = np.asarray(values, dtype=float).reshape(-1, 1) / spread
    penalty = _PENALTY * math.log(len(values) * series)
    ends = _ruptures().KernelCPD(kernel="linear", min_size=_SHORTEST).fit(column).predict(pen=penalty)
    return [int(end) for end in ends[:-1]]


def _ruptures() -> Any:
    try:
        import ruptures  # noqa: PLC0415 - part of an extra, and slow to import
    except ImportError as error:
        raise UserError("ruptures: not installed; install it with pip install 'tuner-harness[report]'") from error
    return ruptures


def report(drift: Drift) -> Report:
    """Return the levels that changed."""
    rows = [_row(shift) for shift in drift.shifts]
    columns = ("measure", "where", "since", "nights", "first level", "last level", "change", "verdict")
    section = TableSection(heading="Levels that changed", columns=columns, rows=rows, text_columns=3)
    return Report(
        name="drift",
        title=f"Drift over {counted(drift.nights, 'night')}: {_verdict(drift)}",
        sections=[section] if rows else [],
        notes=_notes(drift),
        columns=(),
        rows=(),
        empty="No level changed." if not drift.is_too_short else f"At least {FEWEST_NIGHTS} nights are needed.",
    )


def series_of(nights: Sequence[Night]) -> list[Series]:
    """Return what every one of the nights has a value of."""
    return [
        Series(measure=measure, where=where, values=[night.values[measure.name][where] for night in nights])
        for measure in MEASURES
        for where in nights[-1].values.get(measure.name, {})
        if all(where in night.values.get(measure.name, {}) for night in nights)
    ]


def starts(one: Series, *, series: int) -> list[int]:
    """Return where new levels of a series begin, one of so many; none where there are too few nights to tell."""
    return change_points(one.scaled, series=series) if len(one.values) >= FEWEST_NIGHTS else []


def _shift(one: Series, nights: Sequence[Night], series: int) -> Shift | None:
    found = starts(one, series=series)
    if not found:
        return None
    levels = one.levels(found)
    return Shift(
        measure=one.measure,
        where=one.where,
        since=nights[found[-1]],
        nights=len(nights) - found[-1],
        before=levels[0],
        now=levels[-1],
        change=one.change(found),
    )


def _row(shift: Shift) -> tuple[str, ...]:
    change = f"{100 * math.expm1(shift.change):+.1f} %" if shift.measure.is_ratio else f"{-shift.change:+.3f}"
    unit = f" {shift.measure.unit}" if shift.measure.unit else ""
    return (
        shift.measure.title,
        shift.where,
        shift.since.night,
        str(shift.nights),
        numerals.number(shift.before) + unit,
        numerals.number(shift.now) + unit,
        change,
        "worse" if shift.is_worse else "no worse",
    )


def _verdict(drift: Drift) -> str:
    if drift.is_too_short:
        return "too few to say"
    return "worse" if drift.worse else "no worse"


def _notes(drift: Drift) -> list[str]:
    notes = [f"{drift.series} series of measures and parts of the matrix were looked at."]
    if drift.earlier:
        notes.append(
            f"{counted(drift.earlier, 'night')} of other machines, packages or requests {_are(drift.earlier)} left out."
        )
    if drift.before:
        notes.append(f"{counted(drift.before, 'night')} before {drift.since} {_are(drift.before)} left out.")
    if drift.worse:
        newest = max(shift.since.date for shift in drift.worse)
        notes.append(
            f"If the new level is accepted, begin with it: --since {newest}, or in nightly runs a baseline of it."
        )
    return notes


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
