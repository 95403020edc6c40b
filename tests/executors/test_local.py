from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.campaign import worker_ends
from harness.executors import WHOLE, Cause, Ended, LocalExecutor, Slot, local
from harness.executors.local import LocalRunning
from harness.records import CellFolder


@pytest.fixture
def running(tmp_path: Path) -> LocalRunning:
    """A real worker, on a folder without a cell: it starts, complains and ends."""
    return LocalExecutor().start("prepare", tmp_path, cache=tmp_path, log=tmp_path / "worker.log")


def test_a_worker_is_a_process_whose_end_and_output_are_known(tmp_path: Path) -> None:
    # The one program that imports no trainer; it misses what it was to do.
    running = LocalExecutor().start("probe", tmp_path, cache=tmp_path, log=tmp_path / "worker.log")
    assert running.wait(0.0) is None

    ended = running.wait(60.0)

    assert ended is not None
    assert ended.exit_code == 1
    assert ended.signal is None
    assert ended.wall_s > 0.1
    assert "probe.json" in (tmp_path / "worker.log").read_text("utf-8")


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


def test_a_worker_that_will_not_stop_is_killed_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "POLITE_S", 0.2)
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True);"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    with process:
        assert process.stdout is not None
        child = int(process.stdout.readline())

        ended = LocalRunning(process, time.monotonic()).stop()

    assert ended.signal == "SIGKILL"
    # A child without a parent is collected by the system in its own time.
    until = time.monotonic() + 5.0
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def environment_of(pid: int) -> str:
    """What a process was started with; Linux shows nothing of it while the program is still being loaded."""
    path, until = Path(f"/proc/{pid}/environ"), time.monotonic() + 5.0
    while not (found := path.read_bytes()) and time.monotonic() < until:
        time.sleep(0.01)
    return found.decode()


@pytest.mark.parametrize(
    ("slot", "needs_gpu", "told"),
    [(WHOLE, False, (None, None)), (WHOLE, True, (None, "1")), (Slot(gpu="GPU-1"), False, ("GPU-1", "1"))],
)
def test_a_worker_is_told_which_gpu_it_is_to_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slot: Slot, told: tuple[str | None, str | None], *, needs_gpu: bool
) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "HARNESS_NEEDS_GPU"):
        monkeypatch.delenv(name, raising=False)
    executor = LocalExecutor(needs_gpu=needs_gpu)
    running = executor.start("search", tmp_path, cache=tmp_path, log=tmp_path / "worker.log", slot=slot)

    found = environment_of(running.process.pid).split("\0")

    running.stop()
    seen = dict(line.partition("=")[::2] for line in found)
    assert (seen.get("CUDA_VISIBLE_DEVICES"), seen.get("HARNESS_NEEDS_GPU")) == told


WITNESS = """\
import json, os, sys
threads = [sorted(os.sched_getaffinity(int(thread))) for thread in os.listdir("/proc/self/task")]
told = {name: os.environ.get(name) for name in ("HARNESS_AT_ONCE", "CUDA_VISIBLE_DEVICES")}
print(json.dumps({"threads": threads, **told}))
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no process")
def test_a_worker_is_held_to_its_slot_from_its_first_instruction_and_the_host_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stand-in for the interpreter, so that what a worker sees is seen without TensorFlow.
    witness = tmp_path / "witness"
    witness.write_text(f"#!{sys.executable}\n{WITNESS}")
    witness.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(witness))
    before = os.sched_getaffinity(0)
    slot = Slot(cpus=(max(before),), gpu="GPU-ä", at_once=2)

    running = LocalExecutor().start("search", tmp_path, cache=tmp_path, log=tmp_path / "log", slot=slot)

    assert os.sched_getaffinity(0) == before
    assert running.wait(30.0) is not None
    assert json.loads((tmp_path / "log").read_text()) == {
        "threads": [[max(before)]],
        "HARNESS_AT_ONCE": "2",
        "CUDA_VISIBLE_DEVICES": "GPU-ä",
    }


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no process")
def test_a_worker_that_can_not_be_started_leaves_the_host_unpinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    before = os.sched_getaffinity(0)

    with pytest.raises(FileNotFoundError):
        LocalExecutor().start(
            "search", tmp_path, cache=tmp_path, log=tmp_path / "log", slot=Slot(cpus=(max(before),), at_once=2)
        )

    assert os.sched_getaffinity(0) == before


CUT_OFF = """\
import mmap, os, sys
with open("{path}", "w+b") as stream:
    stream.truncate(3 * mmap.PAGESIZE)
    mapped = mmap.mmap(stream.fileno(), 0)
    stream.truncate(0)
    print(mapped[2 * mmap.PAGESIZE])
"""


def test_a_memory_mapped_file_that_is_cut_off_under_a_worker_is_the_machines_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stand-in for the interpreter, as above.
    reader = tmp_path / "reader"
    reader.write_text(f"#!{sys.executable}\n{CUT_OFF.format(path=tmp_path / 'images.npy')}")
    reader.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(reader))

    ended = LocalExecutor().start("search", tmp_path, cache=tmp_path, log=tmp_path / "log").wait(30.0)

    assert ended is not None
    assert (ended.exit_code, ended.signal, ended.cause) == (None, "SIGBUS", Cause.UNREADABLE_FILE)
    assert worker_ends.is_machine_trouble(ended)
    assert worker_ends.told(ended, CellFolder(tmp_path)).startswith("unreadable file: SIGBUS: a memory-mapped file ")


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("SIGSEGV", False),
        ("SIGABRT", False),
        ("SIGFPE", False),
        ("SIGILL", False),
        ("SIGBUS", True),
        ("SIGKILL", True),
        ("SIGTERM", True),
    ],
)
def test_signals_are_the_searchs_own_or_the_machines(name: str, *, trouble: bool) -> None:
    assert worker_ends.is_machine_trouble(Ended(exit_code=None, signal=name, wall_s=1.0)) is trouble
