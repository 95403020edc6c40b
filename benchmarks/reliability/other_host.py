"""``harness``, run by a process that passes for a host of its own: others see neither its kernel nor its locks.

    python -m benchmarks.reliability.other_host NAME run MATRIX --share

The names of host and kernel are fakes, the locks that runs hold too, and leases are short. All else is real.
"""

from __future__ import annotations

import fcntl
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

from harness.campaign import folder_holding, runs_at_work
from harness.cli import main

LEASE_S = 3.0


def become(name: str, *, lease_s: float = LEASE_S) -> None:
    """Let this process pass for a host of this name."""
    socket.gethostname = lambda: name
    runs_at_work._BOOT = Path("/none that tells one kernel from another")  # noqa: SLF001 - what a host has
    runs_at_work.LEASE_S = lease_s
    runs_at_work.BEAT_S = lease_s / 10
    unheld = SimpleNamespace(flock=lambda *_: None, LOCK_EX=fcntl.LOCK_EX, LOCK_SH=fcntl.LOCK_SH, LOCK_NB=fcntl.LOCK_NB)
    vars(folder_holding)["fcntl"] = unheld


if __name__ == "__main__":
    become(sys.argv.pop(1))
    main()
