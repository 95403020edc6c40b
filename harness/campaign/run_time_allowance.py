"""How long a run may take: it stops before that, keeps everything, and a later run goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

STOPPING_S = 10.0
"""What is kept in reserve: a worker is given five seconds to end by itself, and then made to."""


class AllowanceSpent(Exception):
    """What a run was allowed is used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """So many seconds from ``began`` on, by ``clock``."""

    limit_s: float
    began: float
    clock: Callable[[], float]

    @property
    def whole_s(self) -> float:
        """The seconds that there were at the beginning, those in reserve apart."""
        return self.limit_s - STOPPING_S

    @property
    def left_s(self) -> float:
        """The seconds that are left, those in reserve apart."""
        return self.whole_s - (self.clock() - self.began)

    def has_room_for(self, seconds: float | None) -> bool:
        """Return whether work that is expected to take ``seconds`` may begin; None where nobody knows."""
        return self.left_s > (0.0 if seconds is None else seconds)

    def check(self) -> None:
        """Let pass while something is left.

        Raises:
            AllowanceSpent: Nothing is.
        """
        if self.left_s <= 0:
            raise AllowanceSpent


UNLIMITED = Allowance(limit_s=math.inf, began=0.0, clock=lambda: 0.0)
"""A run that may take as long as it likes."""
