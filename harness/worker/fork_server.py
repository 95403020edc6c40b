"""``python -m harness.worker.fork_server SOCKET OWNER``: imports what searches import, once, and forks workers.

SOCKET is the number of an open socket that keeps messages apart; OWNER is shown to whoever lists processes. It says
``ready`` once it can fork. Each message to it is a JSON object (``program``, ``folder``, ``cache``, ``started``,
``settings``, ``cpus``) with two files: the worker's log, and a pipe that is told the worker's process number and, once
it has ended, its exit code, negative for a signal; a line each.

It runs no operation of TensorFlow and opens no device, so that a worker inherits imported code and nothing else. It has
one thread when it forks: what another thread held in that moment would be held in the worker for ever.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import socket
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import environment
from harness.worker import __main__ as worker
from harness.worker.library_imports import keep_still, uncollected

# What tuners' adapters import. PyTorch isn't among it: it starts threads, and few searches need it.
_ADAPTERS = ("harness.tuners.keras_tuner", "harness.tuners.optuna")
_LONGEST_MESSAGE = 2**16
_FILES = 2


@dataclass(frozen=True, slots=True)
class _Child:
    """A worker at work: its process, and the pipe that waits for its end."""

    pid: int
    told: int


def main(number: int) -> None:
    """Import, and fork a worker for each message until the socket is closed."""
    if not worker.is_bound_to_host():
        return
    with tempfile.TemporaryDirectory() as scratch:
        # What libraries write while they are imported; their settings in somebody's home are none of a search's.
        for name in worker.LITTERING:
            os.environ[name] = scratch
        keep_still()
        with uncollected():
            import_all()
    # Known once, as it is what was imported: the workers ask for it.
    environment.content()
    serve(socket.socket(fileno=number))


def import_all() -> None:
    """Import what searches import; a tuner's library that isn't there is told by the worker that needs it."""
    importlib.import_module("harness.worker.tasks")
    for adapter in _ADAPTERS:
        try:
            importlib.import_module(adapter)
        except ImportError:
            continue


def serve(channel: socket.socket) -> None:
    """Fork a worker for each message, and tell how each ended, until the other side closes the socket.

    Raises:
        RuntimeError: More than one thread runs here.
    """
    if (tasks := len(list(Path("/proc/self/task").iterdir()))) > 1:
        raise RuntimeError(f"{tasks} threads run where workers are to be forked")
    channel.send(b"ready")
    with selectors.DefaultSelector() as ready:
        ready.register(channel, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is not channel:
                    ready.unregister(key.fileobj)
                    _tell_end(key.data)
                    os.close(key.fd)
                    continue
                message, files = _received(channel)
                if message is None:
                    return
                child = _forked(message, *files, kept=[channel.fileno(), ready.fileno(), *_watched(ready)])
                ready.register(os.pidfd_open(child.pid), selectors.EVENT_READ, child)


def _watched(ready: selectors.DefaultSelector) -> list[int]:
    """Return the files that belong to the workers at work."""
    children = [(key.fd, key.data) for key in ready.get_map().values() if key.data is not None]
    return [number for fd, child in children for number in (fd, child.told)]


def _received(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    data, files, _, _ = socket.recv_fds(channel, _LONGEST_MESSAGE, _FILES)
    return (json.loads(data), files) if data else (None, files)


def _forked(message: Mapping[str, Any], log: int, told: int, *, kept: list[int]) -> _Child:
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        for number in (told, *kept):
            os.close(number)
        _become(message, log=log, server=server)
    os.close(log)
    os.write(told, f"{pid}\n".encode())
    return _Child(pid, told)


def _become(message: Mapping[str, Any], *, log: int, server: int) -> None:
    """Be the worker that was asked for, and end."""
    code = 1
    try:
        os.setsid()
        if message["cpus"] is not None:
            os.sched_setaffinity(0, message["cpus"])
        for number in (1, 2):
            os.dup2(log, number)
        os.close(log)
        os.environ.update(message["settings"])
        os.environ |= {worker.HOST: str(server), environment.START: "warm"}
        if worker.is_bound_to_host():
            code = worker.main([message["program"], message["folder"], message["cache"], message["started"]])
    except BaseException:  # noqa: BLE001 - as Python would end a process of its own
        traceback.print_exc()
    finally:
        worker.end(code)


def _tell_end(child: _Child) -> None:
    _, status = os.waitpid(child.pid, 0)
    try:
        os.write(child.told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    except BrokenPipeError:
        # Who asked isn't waiting any more.
        pass
    finally:
        os.close(child.told)


if __name__ == "__main__":
    main(int(sys.argv[1]))
    worker.end(0)
