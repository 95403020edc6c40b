"""Results at URLs: an S3 on this machine, and stores in memory and in a folder, which are faster."""

from __future__ import annotations

import logging
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import harness
from harness import result_stores
from harness.campaign import runs_at_work
from harness.campaign.events import State
from harness.campaign.runs_at_work import Machine, Presence
from harness.errors import MachineError
from harness.results_folder import MatrixFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Answer, CommandLine

fsspec: Any = pytest.importorskip("fsspec", reason="make setup installs it")


class Hosts:
    """Hosts, each with a home of its own, that know one store."""

    def __init__(self, line: CommandLine, url: str, fs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.line, self.url, self.fs = line, url, fs
        self._monkeypatch = monkeypatch
        self.move_to("first")

    def move_to(self, name: str) -> None:
        self._monkeypatch.setenv("XDG_STATE_HOME", str(self.line.folder / name))

    def call(self, command: str, *options: str) -> Answer:
        cache = ["--cache", str(self.line.cache)] if command == "run" else []
        return self.line.call(command, str(self.line.matrix), "--results", self.url, *cache, *options)

    @property
    def here(self) -> MatrixFolder:
        return MatrixFolder(result_stores.at(self.url).mirror / self.line.matrix.stem)

    def there(self, pattern: str = "**") -> list[str]:
        self.fs.invalidate_cache()
        root = self.fs._strip_protocol(self.url)
        return sorted(
            path.removeprefix(f"{root}/{self.line.matrix.stem}/") for path in self.fs.glob(f"{root}/{pattern}")
        )

    def cells(self) -> list[str]:
        return self.there("**/*.tar")

    def path_of(self, cell: str) -> str:
        return f"{self.fs._strip_protocol(self.url)}/{self.line.matrix.stem}/{cell}"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a real S3 server's imitation, moto's, on this machine."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - it takes a second to import

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def in_s3(address: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "who",
        "AWS_SECRET_ACCESS_KEY": "ever",
        "AWS_ENDPOINT_URL": address,
    }.items():
        monkeypatch.setenv(name, value)
    fs = fsspec.filesystem("s3", skip_instance_cache=True)
    if not fs.exists("bucket"):
        fs.mkdir("bucket")
    return "s3://bucket", fs


@pytest.fixture(params=["memory", "file", pytest.param("s3", marks=pytest.mark.seconds)])
def hosts(
    request: pytest.FixtureRequest, line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hosts]:
    if request.param == "s3":
        url, fs = in_s3(request.getfixturevalue("s3"), monkeypatch)
    else:
        url = {"memory": "memory://store", "file": f"file://{tmp_path}/store"}[request.param]
        fs = fsspec.filesystem(request.param)
    yield Hosts(line, f"{url}/{tmp_path.name}", fs, monkeypatch)
    if request.param == "memory":
        fs.store.clear()


@pytest.fixture
def in_memory(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    fs = fsspec.filesystem("memory")
    yield Hosts(line, "memory://store", fs, monkeypatch)
    fs.store.clear()


def test_what_one_host_finishes_another_has_without_searching_it(hosts: Hosts) -> None:
    first = hosts.call("run")
    assert first.code == 0, first.err
    ids = hosts.here.cell_ids()
    assert hosts.cells() == [f"cells/{cell_id}.0.tar" for cell_id in ids]
    assert {"plan.json", "report.html", "tables/efficiency.csv"} <= set(hosts.there())
    searched = len(hosts.line.executor.started)

    hosts.move_to("second")
    second = hosts.call("run")

    assert second.code == 0, second.err
    assert len(hosts.line.executor.started) == searched
    assert hosts.here.cell_ids() == ids
    assert [hosts.here.cell(cell_id).sealed() is not None for cell_id in ids] == [True] * 3


def test_readers_take_urls(hosts: Hosts) -> None:
    hosts.call("run")
    cell_id = hosts.here.cell_ids()[0]
    matrix = f"{hosts.url}/{hosts.line.matrix.stem}"

    readers: dict[str, Callable[[], Answer]] = {
        "tables": lambda: hosts.call("tables"),
        "best": lambda: hosts.call("best"),
        "show": lambda: hosts.line.call("show", cell_id, "--results", hosts.url),
    }
    for name, call in readers.items():
        hosts.move_to(name)
        answer = call()
        assert answer.code == 0, (name, answer)
    hosts.move_to("compare")
    # One seed shows nothing.
    assert "seconds per epoch" in hosts.line.call("compare", matrix, matrix).out
    hosts.move_to("python")
    assert len(harness.load(matrix).searches()) == 3


def test_a_run_that_is_cut_off_has_sent_what_it_finished_and_another_host_goes_on(in_memory: Hosts) -> None:
    hosts = in_memory
    hosts.line.executor.interrupts_at = 0
    hosts.line.executor.will("kt-random", hosts.line.executor._script("search", "").__class__.succeed(progress=()))
    ended = hosts.call("run")
    assert ended.code == 130
    hosts.line.executor.interrupts_at = None
    sent = hosts.cells()

    hosts.move_to("second")

    assert hosts.call("run").code == 0
    assert set(sent) <= set(hosts.cells())
    assert len(hosts.cells()) == 3


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda data: data[:700], lambda data: data.replace(b"digits", b"digots", 1)]
)
def test_a_file_that_is_not_what_was_sent_is_refused_and_named(
    in_memory: Hosts, damage: Callable[[bytes], bytes]
) -> None:
    hosts = in_memory
    hosts.call("run")
    name = hosts.cells()[0]
    hosts.fs.pipe_file(hosts.path_of(name), damage(hosts.fs.cat_file(hosts.path_of(name))))
    hosts.move_to("second")

    run, tables = hosts.call("run"), hosts.call("tables")

    assert run.code == 2
    for answer in (run, tables):
        assert f"{hosts.url}/{hosts.line.matrix.stem}/{name}: not what was sent (" in answer.err
    assert tables.code == 0
    assert [path for path in hosts.here.path.iterdir() if path.name.startswith(".fetched")] == []
    hosts.fs.rm(hosts.path_of(name))
    assert hosts.call("run").code == 0
    assert name in hosts.cells()


def test_an_upload_that_is_killed_in_the_middle_leaves_nothing_that_is_believed(
    line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = Hosts(line, f"file://{tmp_path}/store", fsspec.filesystem("file"), monkeypatch)
    whole = type(hosts.fs).pipe_file

    def torn(self: Any, path: str, value: bytes, **more: Any) -> None:
        whole(self, path, value[: len(value) // 2], **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(hosts.fs), "pipe_file", torn)
        assert hosts.call("run").code == 130
    assert hosts.cells() == []

    hosts.move_to("second")
    assert hosts.call("run").code == 0
    assert len(hosts.cells()) == 3


def only_pulses(pipe_file: Callable[..., None]) -> Callable[..., None]:
    """Let a store go away once a run has begun."""

    def refuse(self: Any, path: str, *given: Any, **more: Any) -> None:
        if "/runs/" not in path:
            raise ConnectionError("no route to host")
        pipe_file(self, path, *given, **more)

    return refuse


def test_a_store_that_goes_away_loses_nothing_and_the_next_run_sends_what_is_missing(
    in_memory: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = in_memory

    with monkeypatch.context() as patched:
        patched.setattr(type(hosts.fs), "pipe_file", only_pulses(type(hosts.fs).pipe_file))
        answer = hosts.call("run")
        assert hosts.cells() == []
    assert answer.code == 4
    assert "can't be read or written (no route to host)" in answer.err
    assert "and the next run sends it" in answer.err
    assert answer.err.count("no route to host") <= 3
    searched = len(hosts.line.executor.started)

    assert hosts.call("run").code == 0

    assert len(hosts.line.executor.started) == searched
    assert len(hosts.cells()) == 3


def test_readers_show_what_is_here_while_the_store_is_away(in_memory: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = in_memory
    hosts.call("run")

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(type(hosts.fs), "cat_file", refuse)

    assert "shown is what is here" in hosts.call("best").err
    hosts.move_to("nobody's")
    answer = hosts.call("best")
    assert (answer.code, "no route to host" in answer.err) == (4, True)


def test_of_two_records_of_one_cell_the_first_that_was_sent_counts(in_memory: Hosts) -> None:
    hosts = in_memory
    hosts.call("run")
    sent = {name: hosts.fs.cat_file(hosts.path_of(name)) for name in hosts.cells()}
    others = hosts.here.path.parent
    hosts.fs.rm(hosts.path_of("cells"), recursive=True)
    hosts.move_to("second")
    hosts.call("run")
    for name, data in sent.items():
        hosts.fs.pipe_file(hosts.path_of(name), data)
    cell_id = hosts.here.cell_ids()[0]
    record = hosts.here.cell(cell_id).record()
    (hosts.here.cell(cell_id).path / "worker.log").write_text("another")

    line = result_stores.at(hosts.url).put_cell(hosts.here, cell_id)

    assert line is not None
    assert "another was sent first, and counts" in line
    assert record is not None
    assert hosts.here.cell(cell_id).sealed() is not None
    assert (others / hosts.here.path.name / "cells" / cell_id / "worker.log").read_text() == ""
    assert {name: hosts.fs.cat_file(hosts.path_of(name)) for name in sent} == sent
    assert [path.name.partition("-")[0] for path in (hosts.here.path / "displaced").iterdir()] == [cell_id]


def test_a_cell_that_was_retried_is_sent_beside_the_failure(in_memory: Hosts) -> None:
    hosts = in_memory
    script = type(hosts.line.executor._script("search", ""))
    hosts.line.executor.will("kt-random", script.fail("no"))
    assert hosts.call("run").code == 3

    assert hosts.call("run", "--retry-failed").code == 0

    assert len(hosts.cells()) == 4
    hosts.move_to("second")
    assert hosts.call("run").code == 0
    retried = next(cell for cell in map(hosts.here.cell, hosts.here.cell_ids()) if (cell.path / "retried-1").exists())
    assert (retried.path / "retried-1" / "record.json").exists()


def test_what_is_unfinished_here_and_finished_elsewhere_is_fetched_by_a_run(in_memory: Hosts) -> None:
    hosts = in_memory
    hosts.call("run")
    cell = hosts.here.cell(hosts.here.cell_ids()[0])
    (cell.path / "record.json").unlink()
    searched = len(hosts.line.executor.started)

    assert result_stores.fetch(hosts.here.path) == []
    assert not cell.is_sealed
    assert hosts.call("run").code == 0

    assert len(hosts.line.executor.started) == searched
    assert cell.is_sealed


def test_a_second_run_into_a_store_is_told(in_memory: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = in_memory
    monkeypatch.setattr(runs_at_work, "BEAT_S", 0.01)
    store = result_stores.at(hosts.url)
    elsewhere = Presence(
        folder=hosts.here, machine=Machine("the other host", "its kernel"), store=store.board(hosts.here.path.name)
    )
    elsewhere.beat()
    beat, over = threading.Event(), threading.Event()

    def beats() -> None:
        while not over.wait(0.05):
            elsewhere.beat()
            beat.set()

    thread = threading.Thread(target=beats)
    thread.start()
    beat.wait()
    hosts.move_to("second")
    answer = hosts.call("run")
    over.set()
    thread.join()
    assert answer.code == 2
    assert "another run on the other host is writing here" in answer.err
    assert hosts.line.executor.started == []

    elsewhere.leave()
    assert hosts.call("run").code == 0
    assert hosts.there("*/runs/*") == []


def test_hosts_share_folders_and_no_stores(in_memory: Hosts) -> None:
    answer = in_memory.call("run", "--share")

    assert answer.code == 2
    assert "--share: hosts share a folder that all of them see, not memory://store" in answer.err


@pytest.mark.parametrize(
    ("url", "said"),
    [("gopher://host/results", "give a URL that fsspec knows"), ("gs://bucket", "a package is missing")],
)
def test_a_protocol_that_nothing_here_speaks_is_named(line: CommandLine, url: str, said: str) -> None:
    answer = line.call("tables", str(line.matrix), "--results", url)

    assert answer.code == 2
    assert said in answer.err


@pytest.mark.seconds
def test_a_bucket_that_is_not_there_and_credentials_that_lack_are_one_line(
    line: CommandLine, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_s3(s3, monkeypatch)
    answer = line.call("run", str(line.matrix), "--cache", str(line.cache), "--results", "s3://no-such-bucket/results")

    assert answer.code == 4
    assert "s3://no-such-bucket/results: can't be read or written (" in answer.err
    assert "Traceback" not in answer.err


def test_a_run_from_python_says_what_the_store_has_not(in_memory: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = in_memory
    ended = harness.run(hosts.line.matrix, results=hosts.url, cache=hosts.line.cache)
    assert (ended.states, ended.unsent) == ({State.OK: 3}, None)
    assert str(ended.path).startswith(str(hosts.line.folder / "first"))
    shutil.rmtree(hosts.here.path / "cells")

    monkeypatch.setattr(type(hosts.fs), "pipe_file", only_pulses(type(hosts.fs).pipe_file))
    assert "no route to host" in str(harness.run(hosts.line.matrix, results=hosts.url, cache=hosts.line.cache).unsent)
    with pytest.raises(MachineError, match="no route to host"):
        harness.load(f"{hosts.url}/{hosts.line.matrix.stem}").write("tables")


@pytest.mark.seconds
def test_a_run_into_a_folder_imports_nothing_for_stores(line: CommandLine) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("fsspec", "s3fs")]:
        del sys.modules[name]

    assert line.run().code == 0

    assert not {"fsspec", "s3fs"} & set(sys.modules)
