"""Killing anything at any moment loses at most the trial in flight: real runs, real kills."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from benchmarks.reliability.kills import EPOCHS, Killer, Run, finish, killed_through, mistakes

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]

LEAST_KILLS = 20
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("undisturbed") / "run", patience_s=PATIENCE_S)
    assert run.start().wait(PATIENCE_S) == 0, run.log.read_text("utf-8")
    return run


def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(undisturbed: Run, tmp_path: Path) -> None:
    run = Run(tmp_path / "run", patience_s=PATIENCE_S)
    killer = Killer(run, seed=20260101)
    moments = ["any time"] * 4 + ["any time", "search", "search", "search"] * 4 + ["outcome", "outcome", "record"]
    moments += ["any time", "search", "outcome", "tables"]
    codes = []

    while moments:
        if run.is_over:
            run.start()
        killer.kill_at(moments.pop(0), ("host", "worker")[len(moments) % 2])
        codes.append(None if run.host is None else run.host.poll())
    assert finish(run) == 0, run.log.read_text("utf-8")

    # Killed, or still running, or left with a missing cell because its worker was killed twice; never anything else.
    assert set(codes) <= {None, -signal.SIGKILL, 4}, run.log.read_text("utf-8")
    assert killer.kills.total() >= LEAST_KILLS
    assert sum(count for (moment, _), count in killer.kills.items() if moment == "search") >= LEAST_KILLS // 3
    assert {whom for _, whom in killer.kills} == {"host", "worker"}
    assert {sum(trial.charged_epochs for trial in cell.trials()) for cell in undisturbed.cells.values()} == {EPOCHS}
    assert list(mistakes(run, undisturbed)) == []


def test_hosts_that_share_a_folder_and_are_killed_or_stopped_find_what_one_alone_does(tmp_path: Path) -> None:
    undisturbed, run = (Run(tmp_path / name, hosts=2, patience_s=PATIENCE_S) for name in ("undisturbed", "run"))
    del undisturbed.hosts[1:]
    assert finish(undisturbed) == 0, undisturbed.log.read_text("utf-8")

    kills = killed_through(run, seed=20260101, most=8)

    assert kills.total() == 8
    assert list(mistakes(run, undisturbed)) == []
