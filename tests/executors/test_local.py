from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from harness.executors import LocalExecutor
from harness.executors.local import LocalRunning


@pytest.fixture
def running(tmp_path: Path) -> LocalRunning:
    """A real worker, on a folder without a cell: it starts, complains and ends."""
    return LocalExecutor().start("prepare", tmp_path, cache=tmp_path, log=tmp_path / "worker.log")


@pytest.mark.train
def test_a_worker_is_a_process_whose_end_and_output_are_known(running: LocalRunning, tmp_path: Path) -> None:
    assert running.wait(0.0) is None

    ended = running.wait(60.0)

    assert ended is not None
    assert ended.exit_code == 1
    assert ended.signal is None
    assert ended.wall_s > 0.1
    assert ended.finished == pytest.approx(time.monotonic(), abs=5.0)
    assert "cell.json" in (tmp_path / "worker.log").read_text("utf-8")


def test_a_stopped_worker_is_gone(running: LocalRunning) -> None:
    ended = running.stop()

    assert ended.signal == "SIGTERM"
    with pytest.raises(ProcessLookupError):
        os.kill(running.process.pid, 0)


def test_a_worker_that_was_killed_says_so(running: LocalRunning) -> None:
    os.kill(running.process.pid, signal.SIGKILL)

    ended = running.wait(10.0)

    assert ended is not None
    assert (ended.exit_code, ended.signal) == (None, "SIGKILL")


def test_stopping_what_has_ended_is_no_error(running: LocalRunning) -> None:
    os.kill(running.process.pid, signal.SIGKILL)
    running.wait(10.0)

    assert running.stop().signal == "SIGKILL"


def test_ctrl_c_reaches_the_host_alone(running: LocalRunning) -> None:
    assert os.getpgid(running.process.pid) != os.getpgid(0)
    running.stop()
