"""The program that an executor is tried with: it says where it is, and ends as it is told to.

``probe.json`` in its folder says how (``harness.testing.ExecutorContract`` writes it), each key if wanted: ``says`` is
printed; ``has_child`` has it start a process, and both touch a file (``beat``, ``child-beat``) again and again while
they live; ``waits_s`` are the seconds until it ends; ``exit_code`` or ``signal`` is what it ends by.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness import environment
from harness.records import CellFolder

_BEAT_S = 0.05
_CHILD = "import pathlib, sys, time\nwhile True: pathlib.Path(sys.argv[1]).touch(); time.sleep(0.05)"


def probe(folder: CellFolder, *, cache: Path, started: float) -> dict[str, object]:
    """Do what ``probe.json`` asks for; return where this process is and what it is."""
    asked = json.loads((folder.path / "probe.json").read_text("utf-8"))
    print(asked.get("says", ""), flush=True)  # noqa: T201 - what a worker prints is its log
    if asked.get("has_child"):
        subprocess.Popen([sys.executable, "-c", _CHILD, str(folder.path / "child-beat")])
    _wait(asked.get("waits_s", 0.0), beat=folder.path / "beat")
    if "signal" in asked:
        os.kill(os.getpid(), signal.Signals[asked["signal"]])
    if "exit_code" in asked:
        os._exit(asked["exit_code"])
    identity = environment.identity()
    return {
        "status": "completed",
        "lived_s": time.monotonic() - started,
        "identity": {"environment": identity.environment, "code": identity.code},
        "cpus": sorted(environment.cpus()),
        "at_once": environment.at_once(),
        "reads_cache": os.access(cache, os.R_OK | os.X_OK),
    }


def _wait(seconds: float, *, beat: Path) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        beat.touch()
        time.sleep(_BEAT_S)
