"""Commands that answer at once: from asking for a process to its end, over what none can do without."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import pytest

from benchmarks.perf import workers
from benchmarks.perf.figures import Figure
from harness.cli.doctor import tensorflow

Measured = Callable[[Callable[[], Figure]], Figure]

HARNESS = (sys.executable, "-m", "harness")
IMPORT_CLICK = (sys.executable, "-c", "import click")
ASK_TENSORFLOW = (sys.executable, "-c", tensorflow.PROGRAM)


def test_help_answers_little_later_than_click_is_imported(measured: Measured) -> None:
    figure = measured(lambda: in_turns("harness --help over import click", (*HARNESS, "--help"), IMPORT_CLICK, 15, 2.5))

    assert figure.ratio <= figure.limit


@pytest.mark.slow
def test_doctor_answers_little_later_than_tensorflow_says_what_it_sees(measured: Measured, tmp_path: Path) -> None:
    doctor = (*HARNESS, "doctor", "--cache", str(tmp_path))

    figure = measured(lambda: in_turns("harness doctor over TensorFlow's answer", doctor, ASK_TENSORFLOW, 5, 1.35))

    assert figure.ratio <= figure.limit


def in_turns(name: str, harness: Sequence[str], yardstick: Sequence[str], pairs: int, limit: float) -> Figure:
    """Measure pairs of processes, after one that reads files from the disk and is not counted."""
    taken = [(seconds(harness), seconds(yardstick)) for _ in range(pairs + 1)][1:]
    ours, theirs = zip(*taken, strict=True)
    return Figure(
        name=name,
        harness=median(wall_s for wall_s, _ in ours),
        yardstick=median(wall_s for wall_s, _ in theirs),
        unit="s",
        limit=limit,
        facts={
            "each pair (s)": [tuple(round(wall_s, 2) for wall_s, _ in pair) for pair in taken],
            # Other programs change them less than the seconds.
            "processor seconds (medians)": [round(median(cpu_s for _, cpu_s in side), 3) for side in (ours, theirs)],
        },
    )


def seconds(command: Sequence[str]) -> tuple[float, float]:
    """Return how long a process takes from asking for it to its end, and its processor seconds, its children's too."""
    # Whether an engine answers, and when, is up to the machine.
    environment = {**os.environ, "DOCKER_HOST": "unix:///nonexistent"}
    began, used_s = time.monotonic(), children_s()
    subprocess.run(command, env=environment, capture_output=True, check=True, timeout=workers.TIMEOUT_S)
    return time.monotonic() - began, children_s() - used_s


def children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
