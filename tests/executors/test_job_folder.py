"""The folder through which a host and a scheduler's job pass cells."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest

from harness.executors.job_folder import JobFolder, WorkerRequest

ASKED = WorkerRequest(
    program="search", folder="/a mätrix/cells/1", cache="/cache", log="/a mätrix/cells/1/worker.log", at_once=2
)


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path)


def test_what_the_host_asks_for_is_what_the_node_takes(folder: JobFolder) -> None:
    assert folder.ask(0, ASKED)
    assert folder.take(0, patience_s=1.0) == ASKED


def test_cells_are_taken_in_the_order_in_which_they_were_asked_for(folder: JobFolder) -> None:
    for number in range(11):
        folder.ask(number, WorkerRequest(program="search", folder=str(number), cache="", log="", at_once=1))
    taken = [folder.take(number, patience_s=1.0) for number in range(11)]
    assert [asked.folder for asked in taken if asked is not None] == [str(number) for number in range(11)]


def test_what_was_withdrawn_is_not_taken_and_what_was_taken_not_withdrawn(folder: JobFolder) -> None:
    folder.ask(0, ASKED)
    assert folder.withdraw(0)
    assert folder.take(0, patience_s=0.0) is None
    folder.ask(1, ASKED)
    folder.take(1, patience_s=1.0)
    assert not folder.withdraw(1)


def test_a_worker_that_has_not_ended_has_no_end(folder: JobFolder) -> None:
    assert folder.end(0) is None
    folder.tell(0, wall_s=1.5, code=-11)
    assert folder.end(0) == (1.5, -11)


def test_a_node_that_is_asked_for_nothing_leaves_and_takes_nothing_any_more(folder: JobFolder) -> None:
    began = time.monotonic()
    assert folder.take(0, patience_s=0.2) is None
    assert time.monotonic() - began >= 0.2
    assert not folder.ask(0, ASKED)
    assert folder.take(0, patience_s=0.0) is None


def test_a_node_that_is_told_so_leaves_at_once(folder: JobFolder) -> None:
    folder.close()
    assert folder.take(0, patience_s=600.0) is None


def test_what_was_asked_for_before_the_end_was_told_is_taken(folder: JobFolder) -> None:
    folder.ask(0, ASKED)
    folder.close()
    assert folder.take(0, patience_s=600.0) == ASKED


@pytest.mark.parametrize("lead_s", [0.0, 0.005, 0.01, 0.015])
def test_asking_and_leaving_at_once_never_lose_a_cell(folder: JobFolder, lead_s: float) -> None:
    """Whatever the moment: either the node has it, or the host knows that it must look elsewhere."""
    taken: list[WorkerRequest | None] = []
    node = Thread(target=lambda: taken.append(folder.take(0, patience_s=0.01)))
    node.start()
    time.sleep(lead_s)
    is_accepted = folder.ask(0, ASKED)
    node.join()
    assert (taken == [ASKED]) == is_accepted
