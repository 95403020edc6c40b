"""``harness run`` as a process of its own, with real workers."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.executors import slots
from harness.records import CellFolder
from harness.results_folder import MatrixFolder
from harness.text_sanitising import counted

MATRIX = """\
seeds = [1]
[budget]
epochs = {epochs}
[protocol]
epochs_per_trial = 4
image_size = 32
[datasets.digits]
max_images = 100
[backbones.EfficientNetLite0]
weights = "none"
[tuners.{tuner}]
[hyperparameters.full]
learning_rate = {{ low = 1e-3, high = 1.0, log = true }}
dropout = {{ low = 0.0, high = 0.6 }}
"""
# Where else than in a home a user may have libraries keep their settings.
PLACES = ("KERAS_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")


class RealRun:
    """A matrix of one cell, and the processes that run it."""

    def __init__(self, folder: Path, *, tuner: str, epochs: int) -> None:
        self.matrix = folder / "größe 1.toml"
        self.results = folder / "my résultats"
        self.cache = folder / "ä cache"
        self.matrix.write_text(MATRIX.format(tuner=tuner, epochs=epochs), "utf-8")

    @property
    def command(self) -> list[str]:
        places = ["--results", str(self.results), "--cache", str(self.cache)]
        return [sys.executable, "-m", "harness", "run", str(self.matrix), *places]

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @property
    def cell(self) -> CellFolder:
        folder = MatrixFolder(self.results / self.matrix.stem)
        (cell_id,) = folder.cell_ids()
        return folder.cell(cell_id)

    @property
    def cells(self) -> list[CellFolder]:
        folder = MatrixFolder(self.results / self.matrix.stem)
        return [folder.cell(cell_id) for cell_id in folder.cell_ids()]

    @property
    def workers(self) -> list[int]:
        """Processes that work below the results folder: forked from the one that is there for that."""
        processes = self.processes
        return [pid for pid, parent in processes.items() if parent in processes]

    @property
    def processes(self) -> dict[int, int]:
        """These, and the one that they are forked from: each with its parent's number."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # ended meanwhile
                command = (path / "cmdline").read_bytes()
                if b"harness.worker" in command and self._mine in command:
                    found[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        return found

    @property
    def _mine(self) -> bytes:
        return os.fsencode(self.results)

    def wait_for_trials(self, count: int, timeout_s: float = 90.0) -> None:
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            with contextlib.suppress(ValueError):  # no cell yet
                if len(self.cell.trials()) >= count:
                    return
            time.sleep(0.01)
        pytest.fail("the search does not get on")


def on_a_terminal(command: list[str], *, home: Path) -> tuple[int, str]:
    """Run a command on a terminal of its own, in this home; return its exit code and what the terminal was sent."""
    own = {name: value for name, value in os.environ.items() if name not in PLACES} | {"HOME": str(home)}
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=own) as process:
        os.close(theirs)
        sent = b""
        with contextlib.suppress(OSError):  # Linux's way to say that the other side has closed
            while chunk := os.read(ours, 4096):
                sent += chunk
        os.close(ours)
    return process.returncode, sent.decode()


@dataclass(frozen=True)
class Shown:
    """A run that has ended, and what a terminal was sent of it."""

    home: Path
    real: RealRun
    code: int
    sent: str


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One search, run on a terminal by a user with a home and nothing in it."""
    home = tmp_path_factory.mktemp("users") / "jäne"
    home.mkdir()
    real = RealRun(home, tuner="default", epochs=4)
    return Shown(home, real, *on_a_terminal(real.command, home=home))


@pytest.mark.train
@pytest.mark.slow
def test_on_a_terminal_bars_move_and_the_record_adds_up(shown: Shown) -> None:
    real, code, sent = shown.real, shown.code, shown.sent

    assert code == 0, sent
    assert "━" in sent
    assert "\x1b[" in sent
    assert "Traceback" not in sent
    assert "report.html" in sent
    record, trials = real.cell.record(), real.cell.trials()
    assert record is not None
    phases = [record.setup_phases, record.closing_phases, *(trial.phases for trial in trials)]
    assert sum(sum(each.values()) for each in phases) == pytest.approx(record.wall_s, rel=0.01)
    assert (record.attempts, record.trials) == (1, 1)
    assert real.workers == []

    code, sent = on_a_terminal(real.command, home=shown.home)

    assert code == 0, sent
    assert "1/1" in sent


@pytest.mark.train
@pytest.mark.slow
def test_a_local_run_leaves_nothing_in_its_users_home_but_its_results_which_name_no_home(shown: Shown) -> None:
    real = shown.real

    assert shown.code == 0, shown.sent
    assert sorted(path.name for path in shown.home.iterdir()) == sorted(["größe 1.toml", "my résultats", "ä cache"])
    derived = real.results / real.matrix.stem / ".derived"
    left = [path for path in real.results.rglob("*") if path.is_file() and not path.is_relative_to(derived)]
    assert len(left) > 40
    assert [path for path in left if b"j\xc3\xa4ne" in path.read_bytes()] == []


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_interrupts_say_what_is_kept_leave_no_worker_and_the_next_run_goes_on(tmp_path: Path) -> None:
    real = RealRun(tmp_path, tuner="kt-hyperband", epochs=1200)
    kept = 0
    for number in (signal.SIGINT, signal.SIGTERM):
        process = real.start()
        real.wait_for_trials(kept + 1)
        assert len(real.workers) == 1

        process.send_signal(number)
        out, err = process.communicate(timeout=30)

        kept = len(real.cell.trials())
        assert process.returncode == 130, err
        trials = counted(kept, "trial")
        assert err.startswith(f"interrupted: 0 finished cells and {trials} of unfinished ones are kept in ")
        assert "go on with: harness run " in err
        assert "Traceback" not in out + err
        assert real.processes == {}
        assert real.cell.record() is None

    out, err = real.start().communicate(timeout=240)

    record = real.cell.record()
    assert record is not None, out + err
    assert (record.status, record.ended, record.attempts) == ("completed", "budget: epochs", 3)
    assert sum(trial.charged_epochs for trial in real.cell.trials()) == 1200
    assert [attempt.told.get("interrupted", False) for attempt in real.cell.attempts()] == [True, True, False]


@pytest.mark.seconds
@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has a GPU driver")
@pytest.mark.parametrize(
    ("top", "options", "said"),
    [
        ("", ["--gpu", "GPU-none", "--executor", "local"], "--gpu GPU-none: no NVIDIA driver; see harness doctor"),
        (
            'device = "gpu"\n',
            ["--executor", "local"],
            "device: the matrix asks for a GPU, and NVIDIA's driver lists none",
        ),
    ],
)
def test_a_gpu_that_is_asked_for_where_there_is_none_is_told_in_a_line_and_nothing_is_searched(
    tmp_path: Path, top: str, options: list[str], said: str
) -> None:
    real = RealRun(tmp_path, tuner="default", epochs=4)
    real.matrix.write_text(top + real.matrix.read_text("utf-8"), "utf-8")

    answer = subprocess.run([*real.command, *options], capture_output=True, text=True, check=False, timeout=120)

    assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (4, "", 1)
    assert said in answer.stderr
    assert not list(real.results.rglob("*.json"))


GREEDY = """\
import pathlib, tempfile, time

def score(counts, classes):
    pathlib.Path(tempfile.gettempdir(), "large").write_bytes(bytes(3_000_000))
    time.sleep(60)
"""


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.parametrize("start", ["warm", "fresh"])
def test_a_search_whose_folder_grows_too_large_has_failed_and_says_what_holds_most(tmp_path: Path, start: str) -> None:
    real = RealRun(tmp_path, tuner="default", epochs=4)
    (tmp_path / "greedy.py").write_text(GREEDY)
    text = real.matrix.read_text("utf-8").replace("[protocol]", '[protocol]\nmetric = "greedy.py"')
    real.matrix.write_text(f"{text}[container]\nfolder_gib = 0.002\n", "utf-8")

    answer = subprocess.run(
        [*real.command, "--start", start, "--executor", "local"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert answer.returncode == 3, answer.stderr
    record = real.cell.record()
    assert record is not None
    assert str(record.reason).startswith("folder too large: its folder holds 0.0 GiB (0.0 GiB of it in scratch)")
    assert not real.cell.scratch.exists()
    assert real.workers == []


TWO = """\
[tuners]
kt-random = {}
optuna-tpe = {}
[hyperparameters.full]
"""
several_processors = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) % 2 == 1,
    reason="these processors are not to be halved",
)


def two_searches(folder: Path, *, epochs: int) -> RealRun:
    folder.mkdir()
    real = RealRun(folder, tuner="kt-random", epochs=epochs)
    text = real.matrix.read_text("utf-8").replace("[tuners.kt-random]\n[hyperparameters.full]\n", TWO)
    real.matrix.write_text(text, "utf-8")
    return real


def found(real: RealRun) -> dict[str, tuple[list[Any], Mapping[str, Any]]]:
    """Return each tuner's trials, without their seconds, and its record's environment."""
    told: dict[str, tuple[list[Any], Mapping[str, Any]]] = {}
    for folder in real.cells:
        record = folder.record()
        assert record is not None
        trials = [
            (each.parameters, each.outcome, [(epoch.val_score, epoch.loss, epoch.test_score) for epoch in each.epochs])
            for each in folder.trials()
        ]
        told[record.cell.told["names"]["tuner"]] = (trials, record.environment.told)
    return told


def held_to(cpus: tuple[int, ...], command: list[str]) -> list[str]:
    code = (
        "import os, sys; os.sched_setaffinity(0, map(int, sys.argv[1].split(','))); os.execv(sys.argv[2], sys.argv[2:])"
    )
    return [sys.executable, "-c", code, ",".join(map(str, cpus)), *command]


@pytest.mark.train
@pytest.mark.slow
@several_processors
def test_trials_and_scores_of_two_cells_at_once_are_those_of_one_after_another_on_like_slots(tmp_path: Path) -> None:
    one, two = two_searches(tmp_path / "one", epochs=16), two_searches(tmp_path / "two", epochs=16)
    # What is prepared is prepared once, for both.
    two.cache = one.cache
    halves = [slot.cpus for slot in slots.of_processors(2)]
    assert halves[0] is not None
    assert subprocess.run(held_to(halves[0], one.command), check=False, capture_output=True).returncode == 0

    answer = subprocess.run([*two.command, "--at-once", "2"], check=False, capture_output=True, text=True)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    alone, beside = found(one), found(two)
    assert {tuner: trials for tuner, (trials, _) in beside.items()} == {
        tuner: trials for tuner, (trials, _) in alone.items()
    }
    assert {environment["at_once"] for _, environment in alone.values()} == {1}
    assert {environment["at_once"] for _, environment in beside.values()} == {2}
    sets = {environment["cpu_set"] for _, environment in beside.values()}
    assert sets == {slot.cpu_set for slot in slots.of_processors(2)}


@pytest.mark.train
@pytest.mark.slow
@several_processors
def test_interrupts_and_kills_with_two_at_work_lose_nothing_that_is_finished(tmp_path: Path) -> None:
    real = two_searches(tmp_path / "two", epochs=600)
    command = [*real.command, "--at-once", "2"]
    # That both signals interrupt alike is shown above.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        wait_for_both_to_get_on(real)
        assert len(real.workers) == 2
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert err.rstrip().endswith("--at-once 2")
    assert "Traceback" not in err
    assert real.processes == {}

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        wait_for_both_to_get_on(real)
        victim, other = real.workers
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in real.workers and len(real.workers) == 2)
        assert other in real.workers
        _, err = process.communicate(timeout=400)

    assert process.returncode == 0, err
    attempts = sorted(([attempt.told.get("signal") for attempt in cell.attempts()] for cell in real.cells), key=len)
    assert attempts == [["SIGTERM", None], ["SIGTERM", "SIGKILL", None]]
    for cell in real.cells:
        assert sum(trial.charged_epochs for trial in cell.trials()) == 600


def wait_for_both_to_get_on(real: RealRun) -> None:
    known = {cell.path: len(cell.trials()) for cell in real.cells}
    wait_for(lambda: len(real.cells) == 2 and all(len(cell.trials()) > known.get(cell.path, 0) for cell in real.cells))


def wait_for(has_come: Callable[[], bool], timeout_s: float = 120.0) -> None:
    until = time.monotonic() + timeout_s
    while not has_come():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)
