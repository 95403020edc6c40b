"""How searches in real containers end: each failure by its name, with evidence, and tried again or not."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from harness.campaign.events import State
from harness.cells import Cell
from harness.executors import Cause, Running, Slot, engine_connection
from harness.executors.docker import DockerExecutor
from harness.records import Record
from tests.executors.real_engine import PATIENCE_S, Bench, OwnEngine, campaign, has_seen_the_kill, tiny

pytestmark = pytest.mark.docker

# A preparation ends well; a search does as the test says.
SEARCH = """\
if [ "$0" = prepare ]; then echo '{{"status": "completed"}}' > "$1/outcome.json"; exit; fi
{0}
"""
# A search hangs the first time, and the second time leaves an outcome.
SECOND_TIME = SEARCH.format("""\
if mkdir "$1/once" 2>/dev/null; then sleep 60; exit 1; fi
echo '{"status": "failed", "reason": "second time"}' > "$1/outcome.json"
""")


@contextlib.contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


class Telling:
    """An executor that tells when a search is on its way: one that fails to start is begun anew, at no cost."""

    def __init__(self, executor: DockerExecutor) -> None:
        self._executor = executor
        self.identity, self.name, self.devices = executor.identity, executor.name, executor.devices
        self.searches = threading.Event()

    def start(self, program: str, folder: Path, *, cache: Path, log: Path, slot: Slot) -> Running:
        running = self._executor.start(program, folder, cache=cache, log=log, slot=slot)
        if program == "search":
            self.searches.set()
        return running


def await_search(bench: Bench, executor: Telling) -> None:
    assert executor.searches.wait(PATIENCE_S)
    until = time.monotonic() + PATIENCE_S
    while not (bench.folder.path / "once").exists() and time.monotonic() < until:
        time.sleep(0.02)


def sealed(bench: Bench, script: str, **limits: Any) -> Record:
    """Return the record of a search that ended by itself, at its first attempt."""
    ends, folder = campaign(bench, bench.executor(SEARCH.format(script), **limits))

    record = folder.record()
    assert record is not None
    assert ends == [(State.FAILED, record.reason)]
    assert (record.status, record.attempts) == ("failed", 1)
    assert bench.containers() == []
    return record


def test_a_search_whose_folder_grows_too_large_is_ended_and_says_what_holds_most(bench: Bench) -> None:
    fill = 'mkdir -p "$1/scratch"; head -c 3000000 /dev/zero > "$1/scratch/large"; sleep 60'

    began = time.monotonic()
    ends, folder = campaign(bench, bench.executor(SEARCH.format(fill)), folder_gib=0.002)

    assert time.monotonic() - began < PATIENCE_S
    record = folder.record()
    assert record is not None
    assert ends == [(State.FAILED, record.reason)]
    assert str(record.reason).startswith("folder too large: its folder holds 0.0 GiB (0.0 GiB of it in scratch)")
    assert bench.containers() == []
    assert not folder.scratch.exists()


def test_a_search_over_its_memory_limit_is_a_failed_one_with_the_kernels_evidence(bench: Bench) -> None:
    record = sealed(bench, "echo about to; exec tail /dev/zero")

    assert record.reason == "out of memory: the limit of 64 MiB was hit; raise container.memory_gib"
    evidence = record.evidence.told
    assert (evidence["cause"], evidence["signal"], evidence["status_code"]) == (
        "out of memory",
        "SIGKILL",
        137,
    )
    assert has_seen_the_kill(evidence)
    assert evidence["log"] == ["about to"]


def test_a_search_over_its_deadline_is_a_failed_one(bench: Bench) -> None:
    record = sealed(bench, "echo begun; sleep 60", deadline_s=0.5)

    assert record.reason == "deadline: 0.5 s are over; raise container.deadline_s"
    assert (record.evidence.told["cause"], record.evidence.told["oom_killed"]) == ("deadline", False)
    assert record.evidence.told["log"] == ["begun"]
    assert 0.5 < (record.wall_s or 0) < 15


def test_a_search_that_ends_without_a_word_is_a_failed_one_with_its_last_lines(bench: Bench) -> None:
    record = sealed(bench, "{ echo first; echo 'Kaputt: ä'; } >&2; exit 3")

    assert record.reason == "exit code 3: Kaputt: ä"
    assert (record.evidence.told["exit_code"], record.evidence.told["cause"]) == (3, None)
    assert record.evidence.told["log"] == ["first", "Kaputt: ä"]


def test_a_crash_inside_a_library_is_the_searchs_own_end(bench: Bench) -> None:
    record = sealed(bench, "echo deep inside; kill -SEGV $$")

    assert record.reason == "killed by SIGSEGV: deep inside"
    assert (record.evidence.told["signal"], record.evidence.told["status_code"]) == ("SIGSEGV", 139)
    assert record.evidence.told["cause"] is None


def test_an_outcome_that_can_not_be_read_leaves_the_cell_missing(bench: Bench) -> None:
    ends, folder = campaign(bench, bench.executor(SEARCH.format("""echo '{"status"' > "$1/outcome.json" """)))

    attempts = [each for each in folder.attempts() if each.program == "search"]
    assert [each.told["cause"] for each in attempts] == ["unreadable outcome"] * 2
    ((state, reason),) = ends
    assert state is State.MISSING
    assert "outcome.json: not JSON" in str(reason)
    assert folder.record() is None


def test_a_container_that_is_killed_is_tried_once_more(bench: Bench) -> None:
    def kill() -> None:
        await_search(bench, executor)
        bench.containers()[0].kill(signal=signal.SIGKILL)

    executor = Telling(bench.executor(SECOND_TIME))
    with meanwhile(kill):
        ends, folder = campaign(bench, executor)

    first, second = folder.attempts()
    assert (first.told["cause"], first.told["signal"]) == ("killed from outside", "SIGKILL")
    assert first.told["evidence"]["status_code"] == 137
    assert first.told["evidence"]["oom_killed"] is False
    assert second.told["cause"] is None
    assert ends == [(State.FAILED, "second time")]


def stop_processes(container: Any) -> None:
    """Stop what a container runs below its init, as a person at the host's shell may."""
    container.reload()
    init = container.attrs["State"]["Pid"]
    for child in Path(f"/proc/{init}/task/{init}/children").read_text().split():
        os.kill(int(child), signal.SIGSTOP)


@pytest.mark.parametrize(
    ("halt", "how"),
    [
        (lambda container: container.pause(), "somebody paused its container"),
        (stop_processes, "somebody stopped its process"),
    ],
    ids=["paused", "stopped"],
)
def test_a_container_that_stays_halted_is_ended_named_and_tried_once_more(
    bench: Bench, halt: Callable[[Any], None], how: str
) -> None:
    def halt_it() -> None:
        await_search(bench, executor)
        halt(bench.containers()[0])

    executor = Telling(bench.executor(SECOND_TIME, standstill_grace_s=1.0))
    with meanwhile(halt_it):
        ends, folder = campaign(bench, executor)

    first, second = folder.attempts()
    assert first.told["cause"] == "halted from outside"
    assert str(first.told["detail"]).startswith(f"{how} for ")
    assert second.told["cause"] is None
    assert ends == [(State.FAILED, "second time")]
    assert bench.containers() == []


def test_an_image_that_went_missing_leaves_the_cell_missing_with_the_way_out(bench: Bench) -> None:
    executor = bench.executor(SECOND_TIME)
    executor.image = engine_connection.EngineImage(
        reference="gone:1", id="sha256:" + "0" * 64, repo_digests=(), layers=(), pinned=None
    )

    ends, folder = campaign(bench, executor)

    ((state, reason),) = ends
    assert state is State.MISSING
    assert str(Cause.IMAGE_MISSING) in str(reason)
    assert str(reason).endswith("build it: harness images build")
    assert folder.record() is None


@pytest.fixture
def apart(
    own_engine: OwnEngine, without_engine: Callable[[str], NoReturn], tmp_path: Path, cell: Cell
) -> Iterator[Bench]:
    """A bench on an engine of its own, that may be killed."""
    client = own_engine.client()
    changed = cell.model_copy(update={"source": cell.source.changed(paths=[])})
    yield Bench(client, tiny(client, without_engine), tmp_path, changed)
    client.close()
    gc.collect()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the SDK's, where nobody answers
@pytest.mark.parametrize(
    ("end", "causes"),
    [
        (OwnEngine.kill, {Cause.ENGINE_GONE}),
        # A stopping engine ends its containers, and may or may not have the time to say so.
        (OwnEngine.end, {Cause.ENGINE_GONE, Cause.KILLED}),
    ],
    ids=["killed", "stopped"],
)
def test_an_engine_that_ends_in_the_middle_and_is_started_again_costs_one_attempt(
    own_engine: OwnEngine, apart: Bench, end: Callable[[OwnEngine], None], causes: set[Cause]
) -> None:
    def end_and_start_again() -> None:
        await_search(apart, executor)
        end(own_engine)
        time.sleep(1.0)
        own_engine.start()

    executor = Telling(apart.executor(SECOND_TIME))
    with meanwhile(end_and_start_again):
        ends, folder = campaign(apart, executor)

    first, second = folder.attempts()
    assert first.told["cause"] in causes
    assert second.told["cause"] is None
    assert ends == [(State.FAILED, "second time")]
    assert apart.containers() == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the SDK's, where nobody answers
def test_an_engine_that_stays_away_leaves_the_cell_missing_with_the_way_out(
    own_engine: OwnEngine, apart: Bench
) -> None:
    def kill() -> None:
        await_search(apart, executor)
        own_engine.kill()

    executor = Telling(apart.executor(SECOND_TIME, patience_s=1.0))
    with meanwhile(kill):
        ends, folder = campaign(apart, executor)

    assert [each.told["cause"] for each in folder.attempts()] == ["engine gone"] * 2
    ((state, reason),) = ends
    assert state is State.MISSING
    assert "systemctl start docker" in str(reason)
    assert folder.record() is None
    own_engine.start()
