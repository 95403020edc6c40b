"""An engine that maps users to others (``userns-remap``): what a cell writes is the caller's all the same."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from harness.cells import Cell
from tests.executors.real_engine import Bench, OwnEngine, kill_what_names, tiny, unmount_below

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def remapping(without_engine: Callable[[str], NoReturn]) -> Iterator[OwnEngine]:
    """An engine that maps users as Docker's own default does, to those of ``dockremap``, whom it makes."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        without_engine("only root can start an engine of the test's own, where dockerd is installed")
    path = Path(tempfile.mkdtemp())
    path.chmod(0o711)
    engine = OwnEngine(path, more=["--userns-remap=default"])
    engine.start()
    yield engine
    engine.end()
    kill_what_names(path)
    unmount_below(path)
    shutil.rmtree(path)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the SDK's, until the engine answers
def test_what_a_cell_writes_is_the_callers(
    remapping: OwnEngine, without_engine: Callable[[str], NoReturn], tmp_path: Path, cell: Cell
) -> None:
    client = remapping.client()
    assert "name=userns" in client.info()["SecurityOptions"]
    changed = cell.model_copy(update={"source": cell.source.changed(paths=[])})
    bench = Bench(client, tiny(client, without_engine), tmp_path, changed)

    ended = bench.run('cat /proc/self/uid_map; touch "$1/mine" /tmp/scratch')

    assert (ended.exit_code, ended.cause, ended.evidence["engine"]["users"]) == (0, None, "remapped")
    assert bench.said.split() == ["0", "0", "4294967295"]
    assert {path.stat().st_uid for path in bench.folder.path.iterdir()} == {os.geteuid()}
    client.close()
    gc.collect()
