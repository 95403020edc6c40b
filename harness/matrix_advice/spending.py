"""What a comparison may take, in the words that people have for it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from harness.campaign.forecast_totals import Total
from harness.errors import UserError

DEFAULT = "15 minutes"
_SECONDS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "day": 86400}
_DOLLARS = frozenset({"$", "usd", "dollar"})
_WAY_OUT = "give a time or an amount, such as '15 minutes', '2 hours' or '$5'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Seconds of wall clock or dollars that a whole comparison may take; one of them is None."""

    told: str
    wall_s: float | None = None
    usd: float | None = None

    def share_of(self, total: Total) -> float | None:
        """Return which share of it ``total`` is forecast to take; None where that is unknown."""
        limit, taken = (self.usd, total.cost_usd) if self.wall_s is None else (self.wall_s, total.wall_s)
        return None if taken is None or limit is None else taken.mean / limit


def spending(text: str) -> Spending:
    """Return what is meant by ``15 minutes``, ``1.5 h``, ``$5`` or ``5 USD``.

    Raises:
        UserError: Nothing that is known, or nothing above 0.
    """
    told = " ".join(text.split())
    found = re.fullmatch(r"(\$?) ?([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)", told)
    if found is None:
        raise UserError(f"--budget {text!r}: {_WAY_OUT}")
    sign, number, word = found.groups()
    unit, amount = _unit(sign, word), float(number)
    if unit is None or not 0 < amount < math.inf:
        raise UserError(f"--budget {text!r}: {_WAY_OUT}")
    return Spending(told=told, usd=amount) if unit in _DOLLARS else Spending(told=told, wall_s=amount * _SECONDS[unit])


def _unit(sign: str, word: str) -> str | None:
    """Return the unit in the singular; None where there is none, or two."""
    if bool(sign) == bool(word):
        return None
    folded = (sign or word).casefold()
    singular = folded if folded in _SECONDS else folded.removesuffix("s")
    return singular if singular in _SECONDS or singular in _DOLLARS else None
