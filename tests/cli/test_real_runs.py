"""``harness run`` as a process of its own, with real workers."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.plans import MatrixFolder
from harness.records import CellFolder

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
    def workers(self) -> list[int]:
        """Processes that work below the results folder."""
        return [pid for pid, command in _processes() if b"harness.worker" in command and self._mine in command]

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


def _processes() -> list[tuple[int, bytes]]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile
            found.append((int(path.name), (path / "cmdline").read_bytes()))
    return found


def on_a_terminal(command: list[str]) -> tuple[int, str]:
    """Run a command on a terminal of its own; return its exit code and what the terminal was sent."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        sent = b""
        with contextlib.suppress(OSError):  # Linux's way to say that the other side has closed
            while chunk := os.read(ours, 4096):
                sent += chunk
        os.close(ours)
    return process.returncode, sent.decode()


@pytest.mark.train
@pytest.mark.slow
def test_on_a_terminal_bars_move_and_the_record_adds_up(tmp_path: Path) -> None:
    real = RealRun(tmp_path, tuner="default", epochs=4)

    code, sent = on_a_terminal(real.command)

    assert code == 0, sent
    assert "━" in sent
    assert "\x1b[" in sent
    assert "Traceback" not in sent
    assert "efficiency.md" in sent
    record, trials = real.cell.record(), real.cell.trials()
    assert record is not None
    phases = [record.setup_phases, record.closing_phases, *(trial.phases for trial in trials)]
    assert sum(sum(each.values()) for each in phases) == pytest.approx(record.wall_s, rel=0.01)
    assert (record.attempts, record.trials) == (1, 1)
    assert real.workers == []

    code, sent = on_a_terminal(real.command)

    assert code == 0, sent
    assert "1/1" in sent


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
        assert err.startswith(f"interrupted: 0 finished cells and {kept} trials of unfinished ones are kept in ")
        assert "go on with: harness run " in err
        assert "Traceback" not in out + err
        assert real.workers == []
        assert real.cell.record() is None

    out, err = real.start().communicate(timeout=240)

    record = real.cell.record()
    assert record is not None, out + err
    assert (record.status, record.ended, record.attempts) == ("completed", "budget: epochs", 3)
    assert sum(trial.charged_epochs for trial in real.cell.trials()) == 1200
    assert [attempt.get("interrupted", False) for attempt in real.cell.attempts()] == [True, True, False]


@pytest.mark.train
@pytest.mark.slow
def test_a_gpu_that_is_asked_for_where_there_is_none_leaves_every_cell_missing_with_the_reason(tmp_path: Path) -> None:
    real = RealRun(tmp_path, tuner="default", epochs=4)

    answer = subprocess.run(
        [*real.command, "--gpu", "GPU-none"], capture_output=True, text=True, check=False, timeout=120
    )

    assert answer.returncode == 4, answer.stderr
    assert "missing, no F1: preparing digits for EfficientNetLite0: exit code 75: " in answer.stdout
    assert "a GPU was asked for, but " in answer.stdout
    assert real.cell.record() is None
    assert real.cell.trials() == []
