from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.executors import Cause, LocalExecutor, Slot, forked, local
from harness.executors.forked import WarmExecutor, WarmRunning
from harness.executors.local import LocalRunning

pytestmark = pytest.mark.skipif(not forked.can_fork(), reason="this system forks no workers")

# In place of the trainer: what a worker does is named by its program, so that all is seen without TensorFlow.
SERVER = """\
import json, os, signal, socket, subprocess, sys, time
from harness.worker import __main__ as worker, fork_server

def main(arguments):
    program = arguments[0]
    if program == "look":
        opened = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
        names = ("HARNESS_AT_ONCE", "CUDA_VISIBLE_DEVICES", "HARNESS_START", "HARNESS_HOST_PID", "PYTHONHASHSEED")
        print(json.dumps({
            "arguments": arguments,
            "parent": os.getppid(),
            "cpus": sorted(os.sched_getaffinity(0)),
            "leads": os.getsid(0) == os.getpgid(0) == os.getpid(),
            "files": sorted(os.readlink(path) for path in opened if os.path.exists(path)),
            **{name: os.environ.get(name) for name in names},
        }))
    if program == "sleep":
        time.sleep(60)
    if program == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid)
        time.sleep(60)
    if program == "raise":
        raise ValueError("größe")
    if program == "bus":
        os.kill(os.getpid(), signal.SIGBUS)
    return 3

worker.main = main
worker.is_bound_to_host()
fork_server.serve(socket.socket(fileno=int(sys.argv[1])))
"""

Start = Callable[..., WarmRunning]


@pytest.fixture
def executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmExecutor]:
    (tmp_path / "a_server.py").write_text(SERVER, "utf-8")
    monkeypatch.setattr(forked, "_MODULE", "a_server")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    with forked.warmed(LocalExecutor(), owner=tmp_path / "results") as made:
        yield made


@pytest.fixture
def start(executor: WarmExecutor, tmp_path: Path) -> Start:
    def begin(program: str, **options: Slot) -> WarmRunning:
        log = tmp_path / f"{program}.log"
        running = executor.start(program, tmp_path / "cell", cache=tmp_path / "cache", log=log, **options)
        assert isinstance(running, WarmRunning)
        return running

    return begin


def server_of(executor: WarmExecutor) -> subprocess.Popen[bytes]:
    assert executor._server is not None
    return executor._server.process


def test_a_worker_is_forked_and_its_end_is_known(start: Start) -> None:
    running = start("end")

    ended = running.wait(30.0)

    assert ended is not None
    assert (ended.exit_code, ended.signal, ended.cause) == (3, None, None)
    assert ended.wall_s > 0
    assert running.wait(0.0) == running.stop() == ended


def test_a_worker_has_what_a_fresh_process_has(start: Start, executor: WarmExecutor, tmp_path: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    start("sleep")

    assert start("look", slot=Slot(cpus=(cpu,), gpu="GPU-ä", at_once=2)).wait(30.0) is not None

    server = server_of(executor).pid
    seen = json.loads((tmp_path / "look.log").read_text("utf-8"))
    program, folder, cache, started = seen.pop("arguments")
    assert (program, folder, cache) == ("look", str(tmp_path / "cell"), str(tmp_path / "cache"))
    assert float(started) < time.monotonic()
    # Nothing of the process that forked it, or of a worker beside it, is open in it.
    assert seen.pop("files") == ["/dev/null", str(tmp_path / "look.log"), str(tmp_path / "look.log")]
    assert seen == {
        "parent": server,
        "cpus": [cpu],
        "leads": True,
        "HARNESS_AT_ONCE": "2",
        "CUDA_VISIBLE_DEVICES": "GPU-ä",
        "HARNESS_START": "warm",
        "HARNESS_HOST_PID": str(server),
        "PYTHONHASHSEED": "0",
    }


@pytest.mark.seconds
def test_what_one_worker_was_told_the_next_is_not(start: Start, tmp_path: Path) -> None:
    start("sleep", slot=Slot(cpus=(max(os.sched_getaffinity(0)),), gpu="GPU-1", at_once=2))

    assert start("look").wait(30.0) is not None

    seen = json.loads((tmp_path / "look.log").read_text("utf-8"))
    assert seen["cpus"] == sorted(os.sched_getaffinity(0))
    assert seen["CUDA_VISIBLE_DEVICES"] == os.environ.get("CUDA_VISIBLE_DEVICES")


def test_an_exception_ends_a_worker_as_it_ends_a_process(start: Start, tmp_path: Path) -> None:
    ended = start("raise").wait(30.0)

    assert ended is not None
    assert ended.exit_code == 1
    assert (tmp_path / "raise.log").read_text("utf-8").endswith("ValueError: größe\n")


def test_a_worker_that_was_killed_takes_nothing_with_it(start: Start, executor: WarmExecutor) -> None:
    killed, other = start("sleep"), start("sleep")

    os.kill(killed.pid, signal.SIGKILL)

    ended = killed.wait(30.0)
    assert ended is not None
    assert (ended.exit_code, ended.signal) == (None, "SIGKILL")
    assert other.wait(0.1) is None
    assert start("end").wait(30.0) is not None
    assert server_of(executor).poll() is None
    assert other.stop().signal == "SIGTERM"


def test_a_signal_that_tells_of_the_disk_is_the_machines_trouble(start: Start) -> None:
    ended = start("bus").wait(30.0)

    assert ended is not None
    assert (ended.signal, ended.cause) == ("SIGBUS", Cause.UNREADABLE_FILE)


def test_a_worker_that_will_not_stop_is_killed_with_all_that_it_started(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "POLITE_S", 0.2)
    running, log = start("stubborn"), tmp_path / "stubborn.log"
    soon(lambda: log.read_text().endswith("\n"))

    assert running.stop().signal == "SIGKILL"

    soon(lambda: not is_alive(int(log.read_text())))


@pytest.mark.seconds
def test_where_the_process_that_forks_is_killed_its_workers_are_and_the_next_is_forked_from_another(
    start: Start, executor: WarmExecutor
) -> None:
    running, server = start("sleep"), server_of(executor)

    server.kill()

    ended = running.wait(30.0)
    assert ended is not None
    assert (ended.exit_code, ended.signal) == (None, "SIGKILL")
    soon(lambda: not is_alive(running.pid))
    assert start("end").wait(30.0) is not None
    assert server_of(executor).pid != server.pid


@pytest.mark.seconds
def test_nothing_is_left_at_work_when_the_run_is_over(start: Start, executor: WarmExecutor) -> None:
    running, server = start("sleep"), server_of(executor)

    executor.close()

    assert server.poll() is not None
    soon(lambda: not is_alive(running.pid))
    executor.close()


def test_a_host_that_is_killed_takes_all_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_server.py").write_text(SERVER, "utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    host = f"""\
import time
from pathlib import Path
from harness.executors import LocalExecutor, forked
forked._MODULE = "a_server"
here = Path({str(tmp_path)!r})
with forked.warmed(LocalExecutor(), owner=here) as executor:
    running = executor.start("sleep", here, cache=here, log=here / "log")
    print(running.pid, executor._server.process.pid, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", host], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = list(map(int, process.stdout.readline().split()))
        assert all(map(is_alive, pids))

        process.kill()

    soon(lambda: not any(map(is_alive, pids)))


@pytest.mark.parametrize("text", ["raise ImportError('no TensorFlow')", "import time; time.sleep(0.1)"])
def test_where_nothing_can_be_forked_workers_are_fresh_processes(
    executor: WarmExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "broken_server.py").write_text(text, "utf-8")
    monkeypatch.setattr(forked, "_MODULE", "broken_server")

    said = list[str]()
    executor.say = said.append

    for name in ("first", "second"):
        running = executor.start("prepare", tmp_path, cache=tmp_path, log=tmp_path / name)
        assert isinstance(running, LocalRunning)
        running.stop()

    # It was tried once, its last words are kept, and that is said.
    assert said == [f"workers can't be forked here, each imports everything by itself: {tmp_path / 'first'} says why"]
    assert ("no TensorFlow" in (tmp_path / "first").read_text()) == ("ImportError" in text)
    assert "no TensorFlow" not in (tmp_path / "second").read_text()


THREADED = """\
import os, socket, sys, threading, time
from harness.worker import fork_server
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
fork_server.serve(socket.socket(fileno=int(sys.argv[1])))
"""


@pytest.mark.seconds
def test_a_process_with_more_than_one_thread_is_not_forked(
    executor: WarmExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "threaded_server.py").write_text(THREADED, "utf-8")
    monkeypatch.setattr(forked, "_MODULE", "threaded_server")

    running = executor.start("prepare", tmp_path, cache=tmp_path, log=tmp_path / "log")

    running.stop()
    assert isinstance(running, LocalRunning)
    assert "RuntimeError: 2 threads run where workers are to be forked" in (tmp_path / "log").read_text("utf-8")


@pytest.mark.seconds
def test_a_process_is_known_by_whom_it_works_for(start: Start, executor: WarmExecutor, tmp_path: Path) -> None:
    start("sleep")

    line = Path(f"/proc/{server_of(executor).pid}/cmdline").read_bytes().split(b"\0")

    assert str(tmp_path / "results").encode() in line


LOOK = """\
import json, os, resource
from harness.worker import fork_server, library_imports
library_imports.keep_still()
with library_imports.uncollected():
    fork_server.import_all()
import tensorflow as tf
from tensorflow.python.eager import context
print(json.dumps({
    "tasks": len(os.listdir("/proc/self/task")),
    "opened": context.context()._context_handle is not None,
    "gpus asked": [path for path in map(os.path.realpath, (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")))
                   if path.startswith("/dev/nvidia")],
}))
"""


@pytest.mark.train
@pytest.mark.slow
def test_what_is_forked_has_one_thread_and_has_opened_no_device() -> None:
    found = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)

    assert json.loads(found.stdout.splitlines()[-1]) == {"tasks": 1, "opened": False, "gpus asked": []}


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def soon(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + 10.0
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.01)
