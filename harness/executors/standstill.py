"""A container that somebody paused, or whose process somebody stopped, and when that is enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.executors import engine_connection
from harness.executors.cgroups import Cgroup

GRACE_S = 60.0
"""How long a container may stand still before its worker is ended."""
_LOOK_EVERY_S = 2.0


@dataclass(slots=True, kw_only=True)
class Standstill:
    """Looks at a container every two seconds; ``total_s`` is how long it was seen standing still so far."""

    container: Any
    cgroup: Cgroup | None
    clock: Callable[[], float]
    grace_s: float = GRACE_S
    total_s: float = 0.0
    _looked_at: float | None = None
    _since: float | None = None

    def too_long(self) -> str | None:
        """Return what to say of a container that stands still for longer than the grace; None of any other."""
        now = self.clock()
        if self._looked_at is not None and now - self._looked_at < min(_LOOK_EVERY_S, self.grace_s):
            return None
        passed_s, self._looked_at = 0.0 if self._looked_at is None else now - self._looked_at, now
        how = self._how()
        if how is None:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        else:
            self.total_s += passed_s
        return None if now - self._since < self.grace_s else f"{how} for {now - self._since:.0f} s; let it run"

    def end(self) -> None:
        """Let a paused container go on, as nothing else can be done with it."""
        if self._since is not None and self._is_paused():
            self.container.unpause()

    def _how(self) -> str | None:
        if self._is_paused():
            return "somebody paused its container"
        return "somebody stopped its process" if self.cgroup is not None and self.cgroup.has_stopped_process else None

    def _is_paused(self) -> bool:
        try:
            self.container.reload()
        except engine_connection.FOREIGN:
            # Gone, or restarted: whoever waits for the end is told.
            return False
        return bool(self.container.attrs["State"].get("Paused"))
