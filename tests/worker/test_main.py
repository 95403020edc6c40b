from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import environment, files
from harness.cells import Cell, WeightsTable
from harness.executors import Ended, LocalExecutor
from harness.records import CellFolder
from harness.search_types import Trial
from harness.worker import __main__ as worker

if TYPE_CHECKING:
    from tests.worker.conftest import Bench

HOST = """\
import sys, time
from pathlib import Path
from harness.executors import LocalExecutor
running = LocalExecutor().start("search", Path(sys.argv[1]), cache=Path(sys.argv[2]), log=Path(sys.argv[3]))
print(running.process.pid, flush=True)
time.sleep(600)
"""


def run_in_a_process(folder: CellFolder, cache: Path, program: str = "search") -> Ended:
    ended = LocalExecutor().start(program, folder.path, cache=cache, log=folder.log).wait(120.0)
    assert ended is not None
    return ended


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pid: int, timeout_s: float) -> bool:
    until = time.monotonic() + timeout_s
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_alive(pid)


def test_a_worker_imports_no_trainer_before_it_holds_its_folder() -> None:
    code = (
        "import sys, harness.worker.__main__; print([m for m in sys.modules if m in ('numpy', 'keras', 'tensorflow')])"
    )

    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert asked.stdout.strip() == "[]"


def test_a_folder_that_another_worker_holds_is_the_machines_trouble(bench: Bench, tmp_path: Path) -> None:
    folder = bench.folder(bench.cell())

    with folder.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = run_in_a_process(folder, tmp_path)

    assert ended.exit_code == 75
    assert folder.outcome() is None
    assert "another worker is still at this cell" in folder.log.read_text("utf-8")


def test_a_worker_whose_host_is_gone_before_it_begins_leaves_the_folder_alone(bench: Bench, tmp_path: Path) -> None:
    folder = bench.folder(bench.cell())
    command = [sys.executable, "-m", "harness.worker", "search", str(folder.path), str(tmp_path), "0.0"]
    nobody = {**os.environ, "HARNESS_HOST_PID": str(os.getppid())}

    ended = subprocess.run(command, env=nobody, capture_output=True, text=True, check=False)

    assert ended.returncode == 75
    assert "the harness that asked for this worker is gone" in ended.stderr
    assert not folder.lock.exists()


@pytest.mark.seconds
def test_a_worker_that_is_not_told_when_it_was_asked_for_counts_from_its_own_start(tmp_path: Path) -> None:
    folder = CellFolder(tmp_path / "ä cell")
    folder.path.mkdir()
    (folder.path / "probe.json").write_text('{"waits_s": 0.3}', "utf-8")
    began = time.monotonic()

    subprocess.run([sys.executable, "-m", "harness.worker", "probe", str(folder.path), str(tmp_path)], check=True)

    took_s, outcome = time.monotonic() - began, folder.outcome()
    assert outcome is not None
    assert 0.3 < float(outcome.lived_s or 0) <= took_s + 0.02


def test_a_trainer_that_can_not_be_imported_is_the_machines_trouble_in_a_line(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('built for\\nanother processor')", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    folder = bench.folder(bench.cell())

    ended = run_in_a_process(folder, tmp_path, program="prepare")

    assert ended.exit_code == 75
    assert folder.outcome() is None
    last = folder.log.read_text("utf-8").splitlines()[-1]
    assert last.endswith("what trains can't be imported (built for another processor); harness doctor says the way out")


@contextlib.contextmanager
def host(folder: CellFolder, cache: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A host that starts a worker and waits; give it and the worker's process id."""
    command = [sys.executable, "-c", HOST, str(folder.path), str(cache), str(folder.log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.5])
def test_no_worker_outlives_its_host(bench: Bench, tmp_path: Path, after_s: float) -> None:
    folder = bench.folder(bench.cell())

    with host(folder, tmp_path) as (process, worker_pid):
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)

        assert wait_until_gone(worker_pid, 2.0)
    assert folder.outcome() is None


@pytest.mark.train
@pytest.mark.parametrize("part", ["sources", "packages"])
def test_other_sources_or_packages_than_the_cell_was_planned_with_are_the_machines_trouble(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    cell = bench.cell()
    if part == "packages":
        cell = cell.model_copy(update={"environment": "0" * 64})
    else:
        monkeypatch.setenv(environment.SOURCES, "0" * 64)
    folder = bench.folder(cell)

    for program in ("prepare", "search"):
        assert worker._work(program, folder, cache=bench.cache, started=time.monotonic()) == 75
    assert folder.outcome() is None
    assert folder.trials() == []


def with_weights(cell: Cell, path: Path) -> Cell:
    """The same cell with the weights that lie in a file."""
    sha256 = files.sha256_of(path)
    told = {"kind": "file", "path": str(path), "sha256": sha256, "source": path.name, "trained_on": "unknown"}
    weights = WeightsTable.model_validate(told)
    return cell.model_copy(
        update={"weights": weights, "backbone": cell.backbone.model_copy(update={"weights": str(path)})}
    )


@pytest.mark.train
def test_what_can_not_be_used_as_asked_is_a_failed_search_with_its_reason(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "notes.h5"
    path.write_bytes(b"no weights at all")
    folder = bench.folder(with_weights(bench.cell(), path))

    code = worker._work("search", folder, cache=bench.cache, started=time.monotonic())

    outcome = folder.outcome()
    assert code == 1
    assert outcome is not None
    assert outcome.status == "failed"
    assert "notes.h5" in str(outcome.reason)
    assert "\n" not in str(outcome.reason)


@pytest.mark.train
@pytest.mark.parametrize("train", ["head", "all"])
def test_weights_that_changed_since_the_cell_was_planned_are_the_machines_trouble(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture, train: str
) -> None:
    path = tmp_path / "mine.h5"
    path.write_bytes(b"weights")
    folder = bench.folder(with_weights(bench.cell(train=train), path))
    path.write_bytes(b"other weights")

    code = worker._work("search", folder, cache=bench.cache, started=time.monotonic())

    assert code == 75
    assert folder.outcome() is None
    assert caplog.messages[-1] == f"{path}: changed since the run began; run it again"


@pytest.mark.train
def test_a_crash_is_a_failed_search_with_a_reason_and_a_traceback_in_the_log(bench: Bench, cache: Path) -> None:
    cell = bench.cell()
    folder = bench.folder(cell.model_copy(update={"tuner": cell.tuner.model_copy(update={"tuner": "no-such"})}))

    ended = run_in_a_process(folder, cache)

    outcome = folder.outcome()
    assert ended.exit_code == 1
    assert outcome is not None
    assert (outcome.status, outcome.crashed) == ("failed", True)
    assert outcome.environment is not None
    assert outcome.environment.lock_hash == environment.lock_hash()
    assert str(outcome.reason).startswith("crash: KeyError: 'no-such' (")
    assert "Traceback (most recent call last)" in folder.log.read_text("utf-8")


@pytest.mark.train
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_the_machines_trouble_in_one_clear_line(
    bench: Bench, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = bench.folder(bench.cell("default", epochs=2))
    folder.progress.symlink_to("/dev/full")

    assert worker.main(["search", str(folder.path), str(cache), str(time.monotonic())]) == 75

    assert folder.outcome() is None
    assert caplog.messages[-1].endswith("No space left on device; free some space, then run again")
    assert "\n" not in caplog.messages[-1]


@pytest.mark.train
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_is_full_for_the_tuner_is_the_machines_trouble(
    bench: Bench, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = bench.folder(bench.cell("kt-random", epochs=2))
    written = folder.scratch / "search" / "oracle.json"
    written.parent.mkdir(parents=True)
    written.symlink_to("/dev/full")

    assert worker.main(["search", str(folder.path), str(cache), str(time.monotonic())]) == 75

    assert folder.outcome() is None
    assert caplog.messages[-1] == f"{written}: No space left on device; free some space, then run again"


@pytest.mark.train
def test_a_device_that_goes_in_the_middle_ends_the_worker_and_another_goes_on_as_if_nothing_had_been(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, scores_of: Callable[[Trial], Any]
) -> None:
    import tensorflow as tf  # noqa: PLC0415 - for marked tests only

    from harness.objectives import tensorflow_errors  # noqa: PLC0415 - TensorFlow, for marked tests only
    from harness.objectives.keras_training import KerasObjective  # noqa: PLC0415 - see above

    def gone(*_: object) -> float:
        raise tf.errors.InternalError(None, None, "Failed to synchronize GPU: CUDA_ERROR_LAUNCH_FAILED")

    cell = bench.cell(epochs=6)
    undisturbed, _ = bench.search(cell)
    folder = bench.folder(cell)
    with monkeypatch.context() as patch:
        trained = KerasObjective._train_epoch
        # The fourth epoch is the second trial's last.
        script: Iterator[Callable[..., float]] = iter([trained, trained, trained, gone])

        def next_of_script(*given: Any) -> float:
            return next(script)(*given)

        patch.setattr(KerasObjective, "_train_epoch", next_of_script)
        patch.setattr(tensorflow_errors, "compute_a_little", gone)

        code = worker._work("search", folder, cache=bench.cache, started=time.monotonic())

    assert code == 75
    assert folder.outcome() is None
    assert [trial.number for trial in folder.trials()] == [0]
    assert caplog.messages[-1].startswith("the device no longer computes: InternalError: Failed to synchronize GPU")

    assert worker._work("search", folder, cache=bench.cache, started=time.monotonic()) == 0
    assert [scores_of(trial) for trial in folder.trials()] == [scores_of(trial) for trial in undisturbed.trials()]


@pytest.mark.train
@pytest.mark.parametrize("program", ["prepare", "search"])
def test_a_device_that_goes_before_the_first_trial_is_the_machines_trouble(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    import tensorflow as tf  # noqa: PLC0415 - for marked tests only

    from harness.objectives import tensorflow_errors  # noqa: PLC0415 - TensorFlow, for marked tests only
    from harness.worker import training_data  # noqa: PLC0415 - see above

    def gone(*_: object) -> None:
        raise tf.errors.UnavailableError(None, None, "the device is gone")

    folder = bench.folder(bench.cell())
    monkeypatch.setattr(training_data, "load", gone)
    monkeypatch.setattr(tensorflow_errors, "compute_a_little", gone)

    assert worker._work(program, folder, cache=bench.cache, started=time.monotonic()) == 75
    assert folder.outcome() is None


def test_other_errors_of_the_disk_crash(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        worker.main(["search", str(tmp_path / "nowhere"), str(tmp_path), "0.0"])


@pytest.mark.train
def test_a_worker_leaves_no_litter_but_in_its_folder(bench: Bench, cache: Path, tmp_path: Path) -> None:
    folder = bench.folder(bench.cell("default", epochs=2))
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    home = tmp_path / "home"
    home.mkdir()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(elsewhere))
        patch.setenv("HOME", str(home))
        for name in ("KERAS_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            patch.delenv(name, raising=False)
        ended = run_in_a_process(folder, cache)

    assert ended.exit_code == 0
    assert list(elsewhere.iterdir()) == []
    assert list(home.iterdir()) == []
    assert len(folder.trials()) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_disk_in_trouble_is_the_machines_and_not_the_searchs(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.worker import tasks  # noqa: PLC0415 - imports the trainer

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "trials.jsonl")

    monkeypatch.setitem(tasks.PROGRAMS, "search", fail)

    assert worker.main(["search", str(tmp_path), str(tmp_path), "0.0"]) == 75
    assert CellFolder(tmp_path).outcome() is None


def test_another_error_of_the_system_is_a_crash_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.worker import tasks  # noqa: PLC0415 - imports the trainer

    def fail(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "no such file", "weights.h5")

    monkeypatch.setitem(tasks.PROGRAMS, "search", fail)

    assert worker.main(["search", str(tmp_path), str(tmp_path), "0.0"]) == 1
    outcome = CellFolder(tmp_path).outcome()
    assert outcome is not None
    assert outcome.crashed
    assert str(outcome.reason).startswith("crash: FileNotFoundError")
    assert "test_main.py:" in str(outcome.reason)
