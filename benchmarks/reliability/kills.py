"""Kill host and workers at any moment, go on, and compare what comes out with a run that nobody disturbed.

    nice .venv/bin/python -m benchmarks.reliability.kills --kills 200 --at-once 2
    nice .venv/bin/python -m benchmarks.reliability.kills --kills 50 --executor docker
    nice .venv/bin/python -m benchmarks.reliability.kills --kills 50 --hosts 2
    nice .venv/bin/python -m benchmarks.reliability.kills --kills 50 --executor ray

Workers in containers are killed as processes of this machine: its own engine has to run them, and ``harness images
build`` to have made the image. Several hosts are processes that pass for such (``other_host.py``) and share the folder;
they are also stopped for a while, longer than a lease or not, as their workers go on. With ``ray`` nodes of a cluster
that is begun for it are killed, too; ``slurm`` takes the cluster that is there. Lost, doubled or wrong trials,
torn files and unlike tables end it with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import ray_nodes
from benchmarks.ray_nodes import RayCluster
from benchmarks.reliability.other_host import LEASE_S
from harness.executors import ray_cluster
from harness.records import CellFolder
from harness.results_folder import MatrixFolder
from harness.search_types import Trial

# So many that no run is over before it was killed as often as is asked for, on a fast machine either.
EPOCHS = 640
MATRIX = f"""\
seeds = [1]
[budget]
epochs = {EPOCHS}
[protocol]
epochs_per_trial = 4
image_size = 32
[datasets.digits]
max_images = 200
[backbones.EfficientNetLite0]
weights = "none"
[tuners]
kt-hyperband = {{}}
optuna-tpe = {{}}
[hyperparameters.full]
learning_rate = {{ low = 1e-3, high = 1.0, log = true }}
batch_size = {{ choices = [16, 32, 64] }}
dropout = {{ low = 0.0, high = 0.6 }}
"""
# For runs that share the machine with others, as a nightly one does.
PATIENCE_S = 300.0
# What differs from run to run: seconds, joules, and what they cost.
# Beginnings and ends of the heads of columns that tell of seconds, or of what follows from them.
_COSTS = ("cost_usd", "usd", "energy_j", "thinking_share", "difference_percent", "builds", "speedup_over_random")
_ENDS = ("_s", "_wall_s_share", "_per_device_hour", "_per_kwh", "_per_usd")
_LEFT = {"attempts.jsonl", "cell.json", "lock", "progress.log", "record.json", "trials.jsonl", "worker.log"}


class Run:
    """One results folder and the process that fills it, or the several."""

    def __init__(
        self,
        folder: Path,
        *,
        at_once: int = 1,
        executor: str = "local",
        hosts: int = 1,
        nodes: RayCluster | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        folder.mkdir()
        self.matrix = folder / "killed.toml"
        self.results = folder / "results"
        self.cache = folder / "cache"
        self.log = folder / "host.log"
        self.at_once = at_once
        self.executor = executor
        self.nodes = nodes
        self.patience_s = patience_s
        self.matrix.write_text(MATRIX if hosts == 1 else MATRIX.replace("[1]", "[1, 2, 3]"), "utf-8")
        self.hosts: list[subprocess.Popen[bytes] | None] = [None] * hosts

    @property
    def host(self) -> subprocess.Popen[bytes] | None:
        """The process, where there is one."""
        return self.hosts[0]

    def start(self) -> subprocess.Popen[bytes]:
        """Run the matrix, or go on with it: on each host where that is over; return what runs on the first."""
        for number, host in enumerate(self.hosts):
            if host is None or host.poll() is not None:
                self.hosts[number] = self._started(number)
        first = self.hosts[0]
        assert first is not None
        return first

    def wait(self) -> list[int]:
        """Return how each ended."""
        return [host.wait(self.patience_s) for host in self.at_work]

    @property
    def at_work(self) -> list[subprocess.Popen[bytes]]:
        """The processes that were started."""
        return [host for host in self.hosts if host is not None]

    def _started(self, number: int) -> subprocess.Popen[bytes]:
        places = ["--results", str(self.results), "--cache", str(self.cache), "--executor", self.executor]
        options = ["--at-once", str(self.at_once)] if self.at_once > 1 else []
        shared = ["benchmarks.reliability.other_host", f"host {number}"]
        program, more = (["harness"], []) if len(self.hosts) == 1 else (shared, ["--share"])
        command = [sys.executable, "-m", *program, "run", str(self.matrix), *places, *options, *more]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    @property
    def folder(self) -> MatrixFolder:
        return MatrixFolder(self.results / "killed")

    @property
    def cells(self) -> dict[str, CellFolder]:
        return {cell_id: self.folder.cell(cell_id) for cell_id in self.folder.cell_ids()}

    @property
    def cells_at_work(self) -> dict[str, CellFolder]:
        """Those that hosts which share are at, too."""
        claimed = self.folder.path.glob("at_work/cells/*/*/*/progress.log")
        return self.cells | {path.parent.name: CellFolder(path.parent) for path in claimed}

    @property
    def is_over(self) -> bool:
        return all(host is None or host.poll() is not None for host in self.hosts)

    @property
    def workers(self) -> list[int]:
        """The processes that search or prepare for this run."""
        mine, found = os.fsencode(self.results if self.nodes is None else self.nodes.place), []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # ended meanwhile
                command = (path / "cmdline").read_bytes()
                if b"harness.worker" in command and mine in command:
                    found.append(int(path.name))
        return found


class Killer:
    """Waits for a moment and kills the host or a worker."""

    def __init__(self, run: Run, seed: int) -> None:
        self._run = run
        self._random = random.Random(seed)  # noqa: S311 - it picks moments, not secrets
        self._began = run.matrix.parent / "began"
        self.kills: Counter[tuple[str, str]] = Counter()

    def kill_at(self, moment: str, whom: str) -> None:
        """Wait for ``moment`` and kill ``whom``; nothing where the run is over before."""
        self._began.touch()
        has_come = self._moments()[moment]
        until = time.monotonic() + self._run.patience_s
        while not self._run.is_over and not has_come():
            assert time.monotonic() < until, f"{moment} never came:\n{self._run.log.read_text('utf-8')}"
            time.sleep(0.002)
        if not self._run.is_over:
            self._kill(moment, whom)

    def _kill(self, moment: str, whom: str) -> None:
        if whom == "node" and self._run.nodes is not None:
            # One is lost, and another comes in its place.
            self._run.nodes.kill(self._random.choice(self._run.nodes.alive))
            self._run.nodes.add()
            self.kills[moment, whom] += 1
            return
        hosts = {host.pid: host for host in self._run.at_work if host.poll() is None}
        victims = self._run.workers if whom == "worker" else list(hosts)
        if not victims:
            return
        victim = self._random.choice(victims)
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            if whom == "stopped host":
                self._stop_for_a_while(victim)
            else:
                os.kill(victim, signal.SIGKILL)
            self.kills[moment, whom] += 1
        if whom == "host":
            hosts[victim].wait()

    def _stop_for_a_while(self, victim: int) -> None:
        os.kill(victim, signal.SIGSTOP)
        time.sleep(self._random.uniform(0.5, 2.5) * LEASE_S)
        os.kill(victim, signal.SIGCONT)

    def _moments(self) -> dict[str, Callable[[], bool]]:
        seconds = time.monotonic() + self._random.uniform(0.0, 5.0)
        return {
            "any time": lambda: time.monotonic() > seconds,
            "search": self._trained(self._random.randint(1, 9)),
            "outcome": lambda: any(cell.has_outcome for cell in self._run.cells_at_work.values()),
            "record": self._grows(lambda: len(list(self._run.results.glob("*/cells/*/record.json")))),
            "tables": self._run.folder.tables.is_dir,
        }

    def _trained(self, epochs: int) -> Callable[[], bool]:
        """Whether a search has trained so many more epochs since now."""
        known = {
            cell_id: sum(len(t.epochs) for t in cell.trials()) for cell_id, cell in self._run.cells_at_work.items()
        }

        def have_come() -> bool:
            return any(
                self._lines(cell.progress) >= known.get(cell_id, 0) + epochs
                for cell_id, cell in self._run.cells_at_work.items()
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
    epochs = [(epoch.epoch, epoch.val_score, epoch.loss, epoch.test_score) for epoch in trial.epochs]
    asked = (trial.number, dict(trial.parameters), trial.first_epoch, trial.last_epoch, trial.parent)
    return asked, trial.outcome, trial.charged_epochs, trial.images, trial.reason, epochs


def table(path: Path) -> list[dict[str, str]]:
    """Read a CSV table without the columns and rows of seconds and costs."""
    with path.open(encoding="utf-8", newline="") as stream:
        read = list(csv.DictReader(stream))
    rows = [row for row in read if row.get("axis", "epochs") == "epochs" and row.get("effect") != "cost"]
    return [{k: v for k, v in row.items() if not (k.startswith(_COSTS) or k.endswith(_ENDS))} for row in rows]


def mistakes(run: Run, undisturbed: Run) -> Iterator[str]:
    """Yield what is lost, doubled, wrong or torn in a run that was killed and went on to its end."""
    yield from _torn(run)
    if run.cells.keys() != undisturbed.cells.keys():
        yield f"cells {sorted(run.cells)}, not {sorted(undisturbed.cells)}"
    for cell_id, expected in undisturbed.cells.items():
        yield from (f"{cell_id}: {mistake}" for mistake in _mistakes_of(run.folder.cell(cell_id), expected))
    for path in sorted(undisturbed.folder.tables.glob("*.csv")):
        if table(run.folder.tables / path.name) != table(path):
            yield f"{path.name}: another table"


def _mistakes_of(cell: CellFolder, undisturbed: CellFolder) -> Iterator[str]:
    found, expected = cell.sealed(), undisturbed.sealed()
    if found is None or expected is None:
        yield "not finished"
        return
    if len(found.trials) != len(expected.trials):
        yield f"{len(found.trials)} trials, not {len(expected.trials)}"
    for ours, theirs in zip(found.trials, expected.trials, strict=False):
        if what_repeats(ours) != what_repeats(theirs):
            yield f"trial {ours.number} is another"


def _torn(run: Run) -> Iterator[str]:
    for path in run.results.rglob("*.json*"):
        held = path.read_bytes()
        try:
            [json.loads(text) for text in (held.splitlines() if path.suffix == ".jsonl" else [held])]
        except ValueError:
            yield f"{path}: torn"
        if path.suffix == ".jsonl" and not held.endswith(b"\n"):
            yield f"{path}: torn"
    for cell in run.cells.values():
        left = {path.name for path in cell.path.iterdir()}
        if left != _LEFT:
            yield f"{cell.path}: {sorted(left ^ _LEFT)}"


def finish(run: Run) -> int:
    """Let a run come to its end, begun anew where a kill left a cell missing; return its exit code."""
    if run.is_over:
        run.start()
    codes = run.wait()
    if set(codes) != {0}:
        run.start()
        codes = run.wait()
    return next((code for code in codes if code), 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--executor", choices=("local", "docker", "slurm", "ray"), default="local")
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    kills: Counter[tuple[str, str]] = Counter()
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder, _nodes(Path(folder), given.executor) as nodes:
        asked = partial(Run, at_once=given.at_once, executor=given.executor, hosts=given.hosts, nodes=nodes)
        undisturbed = asked(Path(folder) / "undisturbed")
        del undisturbed.hosts[1:]
        assert finish(undisturbed) == 0, undisturbed.log.read_text("utf-8")
        rounds = 0
        while kills.total() < given.kills:
            rounds += 1
            run = asked(Path(folder) / f"run {rounds}")
            kills += killed_through(run, seed=given.seed * 1000 + rounds, most=given.kills - kills.total())
            found += [f"round {rounds}: {mistake}" for mistake in mistakes(run, undisturbed)]
            print(f"round {rounds}: {kills.total()} kills, {len(found)} mistakes", file=sys.stderr, flush=True)
    counts = {whom: sum(n for (_, who), n in kills.items() if who == whom) for whom in (*_WHOM, _STOPPED, _NODE)}
    by_whom = ", ".join(f"{count} of {whom}s" for whom, count in counts.items())
    how = f"--executor {given.executor} --at-once {given.at_once} --hosts {given.hosts}"
    print(f"{how}: {kills.total()} kills ({by_whom}) in {rounds} runs: {len(found)} mistakes")
    sys.stderr.writelines(f"{mistake}\n" for mistake in found)
    return min(len(found), 1)


_WHOM = ("host", "worker")
_STOPPED = "stopped host"
_NODE = "node"
_BEFORE_THE_FIRST_ENDS = 16
_LATER = ("outcome", "record", "any time", "search", "search", "outcome", "record", "tables")


def killed_through(run: Run, *, seed: int, most: int) -> Counter[tuple[str, str]]:
    """Kill a run again and again until it is over, or was killed often enough, and let it finish."""
    draw, killer = random.Random(seed), Killer(run, seed)  # noqa: S311 - it picks moments, not secrets
    # The late moments stand last: whoever waits for one of them lets pass all that come before it.
    for moment in (*draw.choices(("any time", "search"), k=_BEFORE_THE_FIRST_ENDS), *_LATER):
        if killer.kills.total() >= most or (run.is_over and _is_complete(run)):
            break
        run.start()
        killer.kill_at(moment, draw.choice(_victims(run)))
    assert finish(run) == 0, run.log.read_text("utf-8")
    return killer.kills


def _victims(run: Run) -> tuple[str, ...]:
    if run.nodes is not None:
        return (*_WHOM, _NODE)
    return _WHOM if len(run.hosts) == 1 else (*_WHOM, _STOPPED)


@contextlib.contextmanager
def _nodes(folder: Path, executor: str) -> Iterator[RayCluster | None]:
    """Give a cluster of this machine's own that runs find by their environment, where they are to run by Ray."""
    if executor != "ray":
        yield None
        return
    with ray_nodes.running(folder / "nodes") as cluster:
        os.environ[ray_cluster.ADDRESS] = cluster.address
        yield cluster


def _is_complete(run: Run) -> bool:
    return bool(run.at_work) and all(host.poll() == 0 for host in run.at_work)


if __name__ == "__main__":
    sys.exit(main())
