"""A real Slurm of one machine, from Debian's packages, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
READY_S = 60.0

_CONFIGURATION = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
MpiDefault=none
KillWait=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES State=UP
"""


def is_possible() -> bool:
    """Whether its programs are installed, and this user may start them."""
    return os.geteuid() == 0 and all(map(shutil.which, PROGRAMS))


def is_wanted() -> bool:
    """Whether tests are to start it: where it is possible, and where the environment says that they must."""
    return is_possible() or os.environ.get("HARNESS_TESTS_NEED_SLURM") == "1"


@contextmanager
def running(place: Path) -> Iterator[Path]:
    """Give the path of its configuration (``SLURM_CONF``) while it runs; its files lie in ``place``."""
    configuration = _written(place)
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    try:
        for command in _commands(place, configuration):
            subprocess.run(command, env=environment, check=True, capture_output=True)
        _await_idle(environment)
        yield configuration
    finally:
        for name in ("slurmd", "slurmctld", "munge"):
            _end(place / f"{name}.pid")


def _written(place: Path) -> Path:
    for name in ("state", "spool"):
        (place / name).mkdir(parents=True)
    key = place / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    configuration = place / "slurm.conf"
    facts = {"place": place, "host": socket.gethostname().partition(".")[0], "cpus": os.cpu_count()}
    configuration.write_text(_CONFIGURATION.format(controller=_free_port(), node=_free_port(), **facts), "utf-8")
    return configuration


def _commands(place: Path, configuration: Path) -> list[list[str]]:
    munge = [
        f"--socket={place}/munge.socket",
        f"--key-file={place}/key",
        f"--pid-file={place}/munge.pid",
        f"--log-file={place}/munge.log",
        f"--seed-file={place}/seed",
    ]
    daemons = [[name, "-f", str(configuration)] for name in ("slurmctld", "slurmd")]
    return [["munged", "--force", *munge], *daemons]


def _await_idle(environment: dict[str, str]) -> None:
    until = time.monotonic() + READY_S
    while "idle" not in _said(["sinfo", "--noheader", "--format=%T"], environment):
        if time.monotonic() > until:
            raise TimeoutError(f"no idle node after {READY_S:g} s")
        time.sleep(0.2)


def _said(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True).stdout


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _end(pid_file: Path) -> None:
    with suppress(OSError, ValueError):
        number = int(pid_file.read_text("ascii"))
        os.kill(number, signal.SIGTERM)
        while Path(f"/proc/{number}").exists():
            time.sleep(0.05)
