"""The command that makes tables, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 600.0

# VmHWM, because getrusage counts what the parent held when it started the child.
_PROGRAM = """
import atexit, pathlib, sys
atexit.register(lambda: print(pathlib.Path("/proc/self/status").read_text("ascii"), file=sys.stderr))
from harness.cli import main
main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What ``harness tables`` took, from asking for a Python to its end."""

    wall_s: float
    peak_bytes: int


def tables(matrix: Path, results: Path, *options: str) -> Tables:
    """Call ``harness tables`` with these options on the records of ``matrix`` below ``results``, as a user does."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "tables", str(matrix), "--results", str(results), *options],
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    wall_s = time.monotonic() - began
    if ended.returncode:
        raise RuntimeError(f"harness tables ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    found = re.search(r"^VmHWM:\s*(\d+) kB$", ended.stderr, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"no VmHWM from the process: {ended.stderr}")
    return Tables(wall_s=wall_s, peak_bytes=int(found.group(1)) * 1024)
