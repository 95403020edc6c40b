"""``python -m harness.worker PROGRAM FOLDER CACHE [STARTED]``.

PROGRAM is ``prepare`` (compute what searches share and leave it in CACHE), ``search`` (search the cell in FOLDER),
``save`` (train the best of the trials in FOLDER again and leave it there as a Keras model) or ``probe`` (say where it
is). STARTED is the reading of this machine's monotonic clock when the process was asked for. It is left out where
another machine asked for it, whose clock is another one: seconds then count from the start of the process.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from harness import environment, files
from harness.errors import MACHINE_TROUBLE_EXIT, DatasetError, HarnessError, MachineError, reason
from harness.records import CellFolder
from harness.worker.library_imports import keep_still, uncollected

log = logging.getLogger("harness.worker")

# Names the process that a worker should not outlive.
HOST = "HARNESS_HOST_PID"

# Name folders that libraries write their settings to.
LITTERING = ("KERAS_HOME", "MPLCONFIGDIR")


def main(arguments: list[str]) -> int:
    """Run one program on one folder and leave its outcome there; return the exit code."""
    program, folder, cache, *told = arguments
    started = float(told[0]) if told else _began()
    _log_since(started)
    try:
        return _main(program, folder, cache, started)
    except OSError as error:
        trouble = files.disk_trouble(error, place=folder)
        if trouble is None:
            raise
        log.error("%s", trouble)  # noqa: TRY400 - no traceback for this
        return MACHINE_TROUBLE_EXIT


def _began() -> float:
    """Return the reading of the monotonic clock when this process began; now, where the system doesn't tell."""
    now = time.monotonic()
    try:
        stat = Path("/proc/self/stat").read_text("ascii", errors="replace")
    except OSError:
        return now
    # The second field, a name, may hold spaces and brackets; the 22nd is when it began, in ticks since the boot.
    ticks = int(stat.rpartition(")")[2].split()[19])
    return now - max(time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"), 0.0)


def _log_since(started: float) -> None:
    """Log to standard error, with the milliseconds since the process was asked for."""

    def since(record: logging.LogRecord) -> bool:
        record.relativeCreated = (time.monotonic() - started) * 1000
        return True

    handler = logging.StreamHandler()
    handler.addFilter(since)
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)8d ms %(name)s: %(message)s", handlers=[handler])


def _main(program: str, path: str, cache: str, started: float) -> int:
    folder = CellFolder(Path(path))
    if not is_bound_to_host():
        log.error("%s: the harness that asked for this worker is gone", path)
        return MACHINE_TROUBLE_EXIT
    with folder.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.error("%s: another worker is still at this cell", path)  # noqa: TRY400 - no traceback for this
            return MACHINE_TROUBLE_EXIT
        keep_litter_in(folder.scratch)
        return _work(program, folder, cache=Path(cache), started=started)


def _work(program: str, folder: CellFolder, *, cache: Path, started: float) -> int:
    try:
        folder.write_outcome(_program(program)(folder, cache=cache, started=started))
    except MachineError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        return MACHINE_TROUBLE_EXIT
    except HarnessError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        facts = error.facts if isinstance(error, DatasetError) else {}
        where = environment.facts()
        folder.write_outcome({"status": "failed", "reason": str(error), "data": facts, "environment": where})
        return 1
    except Exception as error:
        if files.disk_trouble(error, place="") is not None:
            raise
        return _crashed(folder, error)
    return 0


def _program(name: str) -> Callable[..., dict[str, object]]:
    """Return a program; all but the probe import the trainer, which takes seconds that no one waits for in vain.

    Raises:
        MachineError: It can't be imported.
    """
    if name == "probe":
        from harness.worker import executor_probe  # noqa: PLC0415 - no search runs through it

        return executor_probe.probe
    try:
        with uncollected():
            from harness.worker import tasks  # noqa: PLC0415 - see above
    except ImportError as error:
        why = reason(error)
        raise MachineError(f"what trains can't be imported ({why}); harness doctor says the way out") from error
    return tasks.PROGRAMS[name]


def _crashed(folder: CellFolder, error: Exception) -> int:
    """Leave a bug's traceback in the log and its last line for the record: it ends this cell, not the campaign."""
    log.error("crash", exc_info=error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    crash = f"crash: {type(error).__name__}: {error} ({where})"
    folder.write_outcome({"status": "failed", "crashed": True, "reason": crash, "environment": environment.facts()})
    return 1


def is_bound_to_host() -> bool:
    """Ask Linux to end this process with the host that started it; return False if that is gone already."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    host = os.environ.get(HOST)
    return host is None or os.getppid() == int(host)


def keep_litter_in(scratch: Path) -> None:
    """Let what libraries write go where the host sweeps: temporary files of TensorFlow's, Keras's settings.

    So no settings in somebody's home change what is trained, either.
    """
    scratch.mkdir(exist_ok=True)
    tempfile.tempdir = str(scratch)
    for name in LITTERING:
        os.environ[name] = str(scratch)


def end(code: int) -> None:
    """End at once: taking TensorFlow apart in order costs most of a second, and everything is on the disk."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    keep_still()
    end(main(sys.argv[1:]))
