"""Engines that are reached by TCP on loopback: one that sees a test's folder, and one that doesn't."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from harness.cells import Cell
from harness.errors import MachineError
from tests.executors.real_engine import Bench, OwnEngine, kill_what_names, tiny, unmount_below

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@contextmanager
def reached_by_tcp(*within: str) -> Iterator[OwnEngine]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    path = Path(tempfile.mkdtemp(dir="/var/tmp"))
    engine = OwnEngine(path, url=url, within=within)
    engine.start()
    yield engine
    engine.end()
    kill_what_names(path)
    unmount_below(path)
    shutil.rmtree(path)


@pytest.fixture
def hidden(tmp_path: Path, without_engine: Callable[[str], NoReturn]) -> list[str]:
    """What a program is called through that finds an empty disk in the place of ``tmp_path``."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        without_engine("only root can start an engine of the test's own, where dockerd is installed")
    return ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {tmp_path} && exec "$@"', "sh"]


@pytest.fixture
def unread(cell: Cell) -> Cell:
    return cell.model_copy(update={"source": cell.source.changed(paths=[])})


def held(engine: OwnEngine, path: Path, cell: Cell, without_engine: Callable[[str], NoReturn]) -> int:
    """Return how many containers an executor holds that has looked whether the engine sees its folder."""
    client = engine.client()
    bench = Bench(client, tiny(client, without_engine), path, cell)
    try:
        bench.executor("true").hold()
        return len(bench.containers())
    finally:
        bench.executor("true").sweep()
        client.close()
        gc.collect()


@pytest.mark.usefixtures("hidden")
def test_an_engine_of_this_machine_may_be_reached_by_tcp(
    tmp_path: Path, unread: Cell, without_engine: Callable[[str], NoReturn]
) -> None:
    with reached_by_tcp() as engine:
        assert held(engine, tmp_path, unread, without_engine) == 1


def test_an_engine_that_has_another_disk_is_refused_in_one_line(
    tmp_path: Path, hidden: list[str], unread: Cell, without_engine: Callable[[str], NoReturn]
) -> None:
    with reached_by_tcp(*hidden) as engine, pytest.raises(MachineError) as caught:
        held(engine, tmp_path, unread, without_engine)

    assert str(caught.value).startswith(f"the container engine doesn't see {tmp_path / 'my matrix'}: it is another")
    assert "\n" not in str(caught.value)
