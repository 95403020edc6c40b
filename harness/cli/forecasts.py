"""What is expected, in words."""

from __future__ import annotations

import math

from harness.campaign.forecast_totals import ForecastInterval, Total
from harness.campaign.time_left import Outlook

_SECONDS_PER_MINUTE = 60
_SECONDS_PER_HOUR = 3600
# Each unit, its seconds, and up to how many of it are told.
_UNITS = (("s", 1, 90), ("min", _SECONDS_PER_MINUTE, 90), ("h", _SECONDS_PER_HOUR, math.inf))


def told(total: Total) -> str:
    """Return time, device time and money with their 95 % intervals, or why they are unknown."""
    if total.wall_s is None or total.device_s is None:
        return "time unknown: nothing like some of them was run here yet; harness plan --calibrate finds out"
    money = (
        "dollars unknown: no price for the machine" if total.cost_usd is None else _told(total.cost_usd, "USD", per=1)
    )
    wall = _told(total.wall_s, "minutes", per=_SECONDS_PER_MINUTE)
    hours = _told(total.device_s, "device hours", per=_SECONDS_PER_HOUR)
    note = "" if total.wall_s.low is not None else " (how far off is unknown: nothing was run twice here)"
    return f"about {wall}, {hours}, {money}{note}"


def _told(found: ForecastInterval, unit: str, *, per: int) -> str:
    if found.low is None or found.high is None:
        return f"{found.mean / per:.3g} {unit}"
    return f"{found.mean / per:.3g} [{found.low / per:.3g}, {found.high / per:.3g}] {unit}"


def left(outlook: Outlook) -> str:
    """Return how much time is left of a run, and whether it goes slower than was forecast; "" where all is done."""
    if not outlook.is_expecting:
        return ""
    seconds = outlook.left_s()
    if seconds is None:
        return "time left unknown yet"
    unit, per = next((unit, per) for unit, per, most in _UNITS if seconds.mean < most * per)
    slow = f"; slower than forecast: cells took {outlook.pace:.1f} times as long" if outlook.is_slow else ""
    about = _told(seconds, unit, per=per)
    return f"about {about} left{slow}"
