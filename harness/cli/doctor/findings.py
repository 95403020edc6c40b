"""What a check finds, and how it asks other programs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from typing import Literal

ASK_TIMEOUT_S = 120.0
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at; ``remedy`` says what to do where ``state`` is not ``good``.

    ``unfit`` is there, but not as needed; ``unknown`` can't be looked at.
    """

    what: str
    state: Literal["good", "unfit", "missing", "unknown"]
    found: str
    remedy: str | None = None


def ask(command: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    """Return what a command answers; None where it never does, as one that waits for a broken driver."""
    try:
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=ASK_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return None


def version(text: str) -> tuple[int, ...]:
    """Return the numbers of the first version in ``text``, as (1, 17, 8); empty where there is none."""
    found = re.search(r"\d+(\.\d+)+", text)
    return tuple(map(int, found.group(0).split("."))) if found else ()


def disk(path: Path, *, what: str, least_gib: float, remedy: str) -> Finding:
    """Return whether there is room at ``path``, or where it will be made."""
    existing = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    free_gib = disk_usage(existing).free / GIB
    found = f"{free_gib:.0f} GiB free for {path}"
    if free_gib >= least_gib:
        return Finding(what=what, state="good", found=found)
    return Finding(what=what, state="unfit", found=found, remedy=remedy)
