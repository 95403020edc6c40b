"""Killing anything at any moment loses at most the trial in flight: real runs, real kills."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.model import Trial
from harness.plans import MatrixFolder
from harness.records import CellFolder

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]

MATRIX = """\
seeds = [1]
[budget]
epochs = 160
[protocol]
epochs_per_trial = 4
image_size = 32
[datasets.digits]
max_images = 200
[backbones.EfficientNetLite0]
weights = "none"
[tuners]
kt-hyperband = {}
optuna-tpe = {}
[hyperparameters.full]
learning_rate = { low = 1e-3, high = 1.0, log = true }
batch_size = { choices = [16, 32, 64] }
dropout = { low = 0.0, high = 0.6 }
"""
# What differs from run to run: seconds, joules, and what they cost.
# Beginnings and ends of the heads of columns that tell of seconds, or of what follows from them.
COSTS = ("cost_usd", "usd", "energy_j", "thinking_share", "difference_percent", "builds", "speedup_over_random")
ENDS = ("_s", "_wall_s_share", "_per_device_hour", "_per_kwh", "_per_usd")
LEAST_KILLS = 20
PATIENCE_S = 120.0


class Run:
    """One results folder and the process that fills it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.matrix = folder / "killed.toml"
        self.results = folder / "results"
        self.cache = folder / "cache"
        self.log = folder / "host.log"
        self.matrix.write_text(MATRIX, "utf-8")
        self.host: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        places = ["--results", str(self.results), "--cache", str(self.cache)]
        command = [sys.executable, "-m", "harness", "run", str(self.matrix), *places]
        with self.log.open("ab") as log:
            self.host = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        return self.host

    @property
    def folder(self) -> MatrixFolder:
        return MatrixFolder(self.results / "killed")

    @property
    def cells(self) -> dict[str, CellFolder]:
        return {cell_id: self.folder.cell(cell_id) for cell_id in self.folder.cell_ids()}

    @property
    def is_over(self) -> bool:
        return self.host is None or self.host.poll() is not None

    @property
    def worker(self) -> int | None:
        mine = os.fsencode(self.results)
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # ended meanwhile
                command = (path / "cmdline").read_bytes()
                if b"harness.worker" in command and mine in command:
                    return int(path.name)
        return None


class Killer:
    """Waits for a moment and kills the host or its worker, in turn."""

    def __init__(self, run: Run, seed: int) -> None:
        self._run = run
        self._random = random.Random(seed)  # noqa: S311 - it picks moments, not secrets
        self._began = run.matrix.parent / "began"
        self.kills: Counter[tuple[str, str]] = Counter()

    def kill_at(self, moment: str, whom: str) -> None:
        """Wait for ``moment`` and kill ``whom``; nothing where the run is over before."""
        self._began.touch()
        has_come = self._moments()[moment]
        until = time.monotonic() + PATIENCE_S
        while not self._run.is_over and not has_come():
            assert time.monotonic() < until, f"{moment} never came:\n{self._run.log.read_text('utf-8')}"
            time.sleep(0.002)
        if not self._run.is_over:
            self._kill(moment, whom)

    def _kill(self, moment: str, whom: str) -> None:
        host = self._run.host
        assert host is not None
        victim = host.pid if whom == "host" else self._run.worker
        if victim is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            os.kill(victim, signal.SIGKILL)
            self.kills[moment, whom] += 1
        if whom == "host":
            host.wait()

    def _moments(self) -> dict[str, Callable[[], bool]]:
        seconds = time.monotonic() + self._random.uniform(0.0, 5.0)
        return {
            "any time": lambda: time.monotonic() > seconds,
            "search": self._trained(self._random.randint(1, 9)),
            "outcome": lambda: any((cell.path / "outcome.json").exists() for cell in self._run.cells.values()),
            "record": self._grows(lambda: len(list(self._run.results.glob("*/cells/*/record.json")))),
            "tables": self._run.folder.tables.is_dir,
        }

    def _trained(self, epochs: int) -> Callable[[], bool]:
        """Whether a search has trained so many more epochs since now."""
        known = {cell_id: sum(len(t.epochs) for t in cell.trials()) for cell_id, cell in self._run.cells.items()}

        def have_come() -> bool:
            return any(
                self._lines(cell.progress) >= known.get(cell_id, 0) + epochs
                for cell_id, cell in self._run.cells.items()
            )

        return have_come

    def _lines(self, path: Path) -> int:
        """Lines of a file that was written since this wait began; what is older is of a process killed before."""
        try:
            written_ns = path.stat().st_mtime_ns
            return path.read_bytes().count(b"\n") if written_ns > self._began.stat().st_mtime_ns else 0
        except FileNotFoundError:
            return 0

    def _grows(self, count: Callable[[], int]) -> Callable[[], bool]:
        before = count()
        return lambda: count() > before


def what_repeats(trial: Trial) -> Any:
    """All of a trial but what it cost."""
    epochs = [(epoch.epoch, epoch.val_f1, epoch.loss, epoch.test_f1) for epoch in trial.epochs]
    asked = (trial.number, dict(trial.parameters), trial.first_epoch, trial.last_epoch, trial.parent)
    return asked, trial.outcome, trial.charged_epochs, trial.images, trial.reason, epochs


def table(path: Path) -> list[dict[str, str]]:
    """Read a CSV table without the columns and rows of seconds and costs."""
    with path.open(encoding="utf-8", newline="") as stream:
        read = list(csv.DictReader(stream))
    rows = [row for row in read if row.get("axis", "epochs") == "epochs" and row.get("effect") != "cost"]
    return [{k: v for k, v in row.items() if not (k.startswith(COSTS) or k.endswith(ENDS))} for row in rows]


def assert_nothing_is_torn(run: Run) -> None:
    for path in run.results.rglob("*.json"):
        json.loads(path.read_bytes())
    for path in run.results.rglob("*.jsonl"):
        assert path.read_bytes().endswith(b"\n")
        for line in path.read_text("utf-8").splitlines():
            json.loads(line)
    for cell in run.cells.values():
        left = {path.name for path in cell.path.iterdir()}
        assert left == {
            "attempts.jsonl",
            "cell.json",
            "lock",
            "progress.log",
            "record.json",
            "trials.jsonl",
            "worker.log",
        }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("undisturbed") / "run")
    assert run.start().wait(PATIENCE_S) == 0, run.log.read_text("utf-8")
    return run


def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(undisturbed: Run, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    killer = Killer(run, seed=20260101)
    moments = ["any time"] * 4 + ["any time", "search", "search", "search"] * 4 + ["outcome", "outcome", "record"]
    moments += ["any time", "search", "outcome", "tables"]
    codes = []

    while moments:
        if run.is_over:
            run.start()
        killer.kill_at(moments.pop(0), ("host", "worker")[len(moments) % 2])
        codes.append(None if run.host is None else run.host.poll())
    if run.is_over:
        run.start()
    assert run.host is not None
    if run.host.wait(PATIENCE_S) != 0:
        assert run.start().wait(PATIENCE_S) == 0, run.log.read_text("utf-8")

    # Killed, or still running, or left with a missing cell because its worker was killed twice; never anything else.
    assert set(codes) <= {None, -signal.SIGKILL, 4}, run.log.read_text("utf-8")
    assert killer.kills.total() >= LEAST_KILLS
    assert sum(count for (moment, _), count in killer.kills.items() if moment == "search") >= LEAST_KILLS // 3
    assert {whom for _, whom in killer.kills} == {"host", "worker"}
    assert_nothing_is_torn(run)
    assert run.cells.keys() == undisturbed.cells.keys()
    for cell_id, cell in run.cells.items():
        expected = undisturbed.cells[cell_id].trials()
        assert sum(trial.charged_epochs for trial in expected) == 160
        assert [what_repeats(trial) for trial in cell.trials()] == [what_repeats(trial) for trial in expected]
    for path in sorted(undisturbed.folder.tables.glob("*.csv")):
        assert table(run.folder.tables / path.name) == table(path)
